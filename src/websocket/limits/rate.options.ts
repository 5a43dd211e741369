import type { RequestContext } from '../request/request-context.js';

/** How many messages a client may send, and what happens to more. A message that is refused counts no further. */
export class RateOptions {
  /** Messages per second in the long run; may be a fraction, such as 100 / 60. Default 10. */
  perSecond = 10;
  /** Messages that may come at once after a pause. Default: as many as in one second, at least one. */
  burst?: number;
  /**
   * Whose messages count together: those of one `'connection'` (default), of all connections of one `'user'` or of one `'ip'` (an
   * IPv6 /64 is one) in this process. Users are told apart by `userId`; one without an id, or without a known address, counts
   * by the connection.
   */
  by: 'connection' | 'user' | 'ip' = 'connection';
  /** Names of the events that count; others pass. Default: all messages, with or without an event. */
  events?: readonly string[];
  /**
   * `'answer'` (default): the message is answered with the error `too_many_messages`, which has the time to wait as
   * `details.retryAfterMs`, and the connection stays; a raw endpoint, which has no form for errors, closes 1008. `'close'`: the
   * connection closes 1008.
   */
  exceeded: 'answer' | 'close' = 'answer';
}

/**
 * A rate, or a function that gives one for each connection, when its first message comes; `undefined` is none. What the function
 * throws, a promise and a wrong option close the connection with 1011 and are logged.
 */
export type RateOption = Partial<RateOptions> | ((context: RequestContext) => Partial<RateOptions> | undefined);
