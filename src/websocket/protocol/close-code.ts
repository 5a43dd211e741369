/**
 * Close codes of RFC 6455 §7.4.1 that this library sends by itself.
 *
 * Applications use 1000 or their own codes of the range 4000–4999.
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
  /** Not UTF-8, or a payload that does not decode. */
  invalidPayload: 1007,
  /** A limit of ours was passed (rate, inbox). */
  policyViolation: 1008,
  /** The message is larger than `limits.maxPayloadBytes`; sent by `ws`. */
  messageTooBig: 1009,
  /** A handler failed and the connection cannot go on. */
  internalError: 1011,
  /** The peer does not read what is sent to it. */
  tryAgainLater: 1013,
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
