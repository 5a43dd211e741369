import type { RateOption } from './rate.options.js';
import type { UserConnectionsOptions } from './user-connections.options.js';

/**
 * What one connection, and all of them together, may use; whole numbers. A limit of an endpoint wins over the module's;
 * those marked "only on the module" are an error at boot when an endpoint sets them.
 */
export class LimitsOptions {
  /**
   * Largest message in bytes, fragments added up; a larger one closes 1009. Default 65 536, at most 2^31 - 1; 0 means no
   * limit.
   */
  maxPayloadBytes = 65_536;
  /** Most frames one message may come in; more close 1008. Default 128, at most 2^31 - 1; 0 means no limit. */
  maxFragments = 128;
  /** Messages that may wait for their handler before reading pauses. Default 256. */
  maxPendingMessages = 256;
  /** Bytes of waiting messages before reading pauses. Default 1 MiB. */
  maxPendingBytes = 1_048_576;
  /**
   * Bytes that may wait for a peer that does not read, with what each write costs beside its bytes. Default 1 MiB. One
   * message larger than this still leaves when nothing else waits.
   */
  maxBufferedBytes = 1_048_576;
  /**
   * What happens past `maxBufferedBytes`: `close` (1013, default) or `drop` the message that comes.
   * The older ones that wait are kept, so a slow peer misses the newest.
   */
  overflow: 'close' | 'drop' = 'close';
  /**
   * Connections at one time; more get 503. On the module it counts all of them, on an endpoint its own. Handshakes that
   * are being decided count. Default none.
   */
  maxConnections?: number;
  /** Connections of one address at one time; more get 429. Follows `trustProxy`. Default none. */
  maxConnectionsPerIp?: number;
  /**
   * Connections of one user at one time, as `userId` tells users apart; more get 429, or take the place of older ones: see
   * {@link UserConnectionsOptions}. A user that is set later (`connection.user = …`) counts too. Default none.
   */
  maxConnectionsPerUser?: number | Partial<UserConnectionsOptions>;
  /**
   * Channels that one connection may be in at one time. `join` and `setChannels` throw a `TooManyChannelsError` for more and change
   * nothing. Default 1 000.
   */
  maxChannels = 1_000;
  /**
   * Streams of replies (Observables and AsyncIterables that handlers give) of one connection at one time. One more is not begun:
   * its message is answered with the error `too_many_streams`, and a raw endpoint closes 1008. Default 64; 1 000 for clients of
   * stock gateways if the module sets no number, because there interceptors make a stream of every answer.
   */
  maxStreams = 64;
  /**
   * Time without a message in either direction after which a connection closes with 4408, in milliseconds. Pings and pongs do not
   * count; a handler or a stream that runs does. Exact to about a quarter. Default none; 0 means no limit.
   */
  idleTimeoutMs?: number;
  /**
   * Time after which a connection closes with 4408, in milliseconds, so that clients come back through the handshake, perhaps
   * on another node. Each has a time of its own between four fifths of it and all of it, or those that came together would
   * all come back together. Messages that came are handled first, for at most `closeTimeoutMs`. Default none; 0 means no limit.
   */
  maxLifetimeMs?: number;
  /**
   * Time for the first message of a client after `@OnEstablish` has settled, in milliseconds, such as the login of a protocol
   * that has one; without it the connection closes with 4408. Exact to about a quarter. Default none; 0 means no limit.
   */
  firstMessageTimeoutMs?: number;
  /**
   * Time from the first byte of a message to its last, in milliseconds; a slower one closes with 4408. It does not count while
   * the connection is not read because messages wait. Exact to about a quarter. Default none; 0 means no limit.
   */
  messageTimeoutMs?: number;
  /**
   * Time for the handling of one message, in milliseconds: the handlers of `connection.on('message')`, and the method until it has
   * answered or has given a stream. Past it the peer gets the error `handler_timeout` under the id of its message (a raw endpoint
   * closes 1011), what the handler gives later is dropped, and the next message begins. The handler itself runs on: nothing can stop
   * it but code of its own. Exact to about a quarter. Default none; 0 means no limit.
   */
  handlerTimeoutMs?: number;
  /**
   * Time after which a handler that keeps messages of its connection waiting, or an `@OnEstablish`, is named in the log, once for
   * each method, and so is a generator that goes on so long after its connection; in milliseconds. Exact to about a quarter. Default
   * 10 000, looked at when the heartbeat or another time is: with none of them only generators are named. 0 turns it off.
   */
  lateHandlerMs?: number;
  /**
   * Messages one connection may send per second, with a burst of as many; more close 1008. Short for a `rate`, so one level has
   * one of the two; that of an endpoint takes the place of either of the module. Default none.
   */
  messagesPerSecond?: number;
  /**
   * A rate of messages that may answer, count by user or address, and for some events only; or a function of the context that
   * gives one. See {@link RateOptions}. Default none.
   */
  rate?: RateOption;
  /**
   * Frames that carry no part of a message, which one connection may send per second, with a burst of as many: pings, pongs that
   * answer no ping of ours, and empty fragments before the last; more close 1008. They count in no other rate. Default 1 000; 0
   * means no limit. Empty fragments are counted with the versions of `ws` that are known here; with others `maxFragments`
   * alone bounds them.
   */
  emptyFramesPerSecond = 1_000;
  /**
   * Bytes that may wait in all connections together, as memory holds them: messages for handlers and for slow peers, and
   * messages that are not complete. Past it each kind pays for itself, with `overflow` of either kind: the largest queue of a peer
   * that does not read ends with 1013, so does the largest message that is not complete, and peers whose messages wait are
   * not read. Only on the module. Default an eighth of the heap, or of the memory of the container or machine where that is
   * less; at most 256 MiB.
   */
  maxTotalQueuedBytes?: number;
  /**
   * Delay of the event loop past which new upgrades get 503, in milliseconds: connections that are open are
   * served before new ones come in. Only on the module. Default none.
   */
  maxEventLoopDelayMs?: number;
  /**
   * Handshakes for which code of the application may run at one time, over the whole module; more get 503. One whose client
   * has left, or was answered with 408, counts until its code has settled, at most one more `handshakeTimeoutMs`. Only on
   * the module. Default 1 000.
   */
  maxPendingHandshakes = 1_000;
  /**
   * The same, of one address (an IPv6 /64 is one); more get 429. Follows `trustProxy`. Only on the module. Default: a tenth
   * of `maxPendingHandshakes`, while half of all places are taken, and not for addresses of the own machine and of private
   * networks, which may be those of a proxy. A number that is set holds always.
   */
  maxPendingHandshakesPerIp?: number;
  /**
   * Handshakes that one address (an IPv6 /64 is one) may begin per minute, with a burst of as many; more get 429 with `Retry-After`,
   * before any code of the application runs. Refused ones count. Follows `trustProxy`; a client whose address is not known is not
   * counted. Only on the module. Default none.
   */
  handshakesPerMinutePerIp?: number;
}

/** The part of the limits that travels with every connection. */
export type OutboxLimits = Pick<LimitsOptions, 'maxBufferedBytes' | 'overflow'>;
