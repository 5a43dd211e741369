/**
 * What one connection, and all of them together, may use. A limit of an endpoint wins over the module's; those marked
 * "only on the module" are an error at boot when an endpoint sets them.
 */
export class LimitsOptions {
  /** Largest message in bytes, fragments added up; a larger one closes 1009. Default 65 536; 0 means no limit. */
  maxPayloadBytes = 65_536;
  /** Most frames one message may come in; more close 1008. Default 128; 0 means no limit. */
  maxFragments = 128;
  /** Messages that may wait for their handler before reading pauses. Default 256. */
  maxPendingMessages = 256;
  /** Bytes of waiting messages before reading pauses. Default 1 MiB. */
  maxPendingBytes = 1_048_576;
  /**
   * Bytes that may wait for a peer that does not read. Default 1 MiB. One message larger than this still leaves when
   * nothing else waits.
   */
  maxBufferedBytes = 1_048_576;
  /** What happens past `maxBufferedBytes` or `maxTotalQueuedBytes`: `close` (1013, default) or `drop` the message. */
  overflow: 'close' | 'drop' = 'close';
  /**
   * Connections at one time; more get 503. On the module it counts all of them, on an endpoint its own. Handshakes that
   * are being decided count. Default none.
   */
  maxConnections?: number;
  /** Connections of one address at one time; more get 429. Follows `trustProxy`. Default none. */
  maxConnectionsPerIp?: number;
  /** Connections of one user at one time, as `userId` tells them apart; more get 429. Default none. */
  maxConnectionsPerUser?: number;
  /** Messages one connection may send per second, with a burst of as many; more close 1008. Default none. */
  messagesPerSecond?: number;
  /**
   * Bytes that all connections together may hold in queues: messages that wait for handlers or for slow peers. Past it
   * reading pauses and sending to slow peers goes by `overflow`. Only on the module. Default 256 MiB.
   */
  maxTotalQueuedBytes = 268_435_456;
  /**
   * Delay of the event loop past which new upgrades get 503, in milliseconds: what is connected is served before
   * anybody else comes in. Only on the module. Default none.
   */
  maxEventLoopDelayMs?: number;
  /** Handshakes that may be undecided at one time, over the whole module; more get 503. Only on the module. Default 1 000. */
  maxPendingHandshakes = 1_000;
}

/** The part of the limits that travels with every connection. */
export type OutboxLimits = Pick<LimitsOptions, 'maxBufferedBytes' | 'overflow'>;
