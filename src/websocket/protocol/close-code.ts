/**
 * Close codes of RFC 6455 §7.4.1 that this library sends by itself.
 *
 * Applications use 1000 or their own: 4000–4999, or 3000–3999 once registered (RFC 6455 §7.4.2).
 */
export const CloseCode = {
  /** The purpose of the connection is fulfilled. */
  normal: 1000,
  /** The server is going down; what a drain sends. */
  goingAway: 1001,
  /** The peer broke the protocol; sent by `ws`. */
  protocolError: 1002,
  /** A kind of data that the endpoint does not take, such as binary where only text is read. */
  unsupportedData: 1003,
  /** Text that is not UTF-8 (RFC 6455 §8.1); sent by `ws`. */
  invalidPayload: 1007,
  /**
   * More messages than `limits.messagesPerSecond` or `limits.rate`, more frames without a part of one than `limits.emptyFramesPerSecond`, more
   * fragments than `limits.maxFragments` (that by `ws`), or more streams than `limits.maxStreams` on a raw endpoint.
   */
  policyViolation: 1008,
  /** The message is larger than `limits.maxPayloadBytes`; sent by `ws`. */
  messageTooBig: 1009,
  /** A handler failed and the connection cannot go on. */
  internalError: 1011,
  /** The peer does not read what is sent to it. */
  tryAgainLater: 1013,
  /** The login has ended (`expiresAt`): 401 in the range of applications (RFC 6455 §7.4.2). */
  authenticationExpired: 4401,
  /**
   * A time is over that `limits` set: of silence, of one message, of the whole connection. A client may come back at once: 408
   * in the range of applications.
   */
  timedOut: 4408,
  /** A newer connection of the same user took its place (`limits.maxConnectionsPerUser`). */
  replaced: 4409,
} as const;

/** Close codes that only ever describe an end and never travel (RFC 6455 §7.4.1). */
export const CLOSE_CODE_NO_STATUS = 1005;
export const CLOSE_CODE_ABNORMAL = 1006;

/**
 * Tells whether a close frame may carry this code: 1000–1003, 1007–1014, 3000–4999.
 * 1004, 1005, 1006 and 1015 are reserved (RFC 6455 §7.4).
 */
export function isSendableCloseCode(code: number): boolean {
  return (
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999))
  );
}

/**
 * Puts right the codes that never travel: 1005 becomes 1000, 1006 and 1015 become 1011.
 * @throws RangeError for any other code that a close frame may not carry.
 */
export function toSendableCode(code: number): number {
  if (isSendableCloseCode(code)) return code;
  if (code === CLOSE_CODE_NO_STATUS) return CloseCode.normal;
  if (code === CLOSE_CODE_ABNORMAL || code === 1015) return CloseCode.internalError;
  throw new RangeError(
    `${String(code)} cannot be a close code; use 1000, or your own of 4000–4999 (RFC 6455 §7.4 reserves the rest).`,
  );
}
