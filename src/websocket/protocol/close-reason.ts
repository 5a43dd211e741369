/** A close frame holds 125 bytes, two of them the code (RFC 6455 §5.5, §5.5.1). */
export const MAX_CLOSE_REASON_BYTES = 123;

const encoder = new TextEncoder();

/**
 * Cuts a close reason to 123 bytes of UTF-8, never inside a character; a lone surrogate becomes U+FFFD as in any
 * UTF-8 encoder. A reason that fits comes back unchanged.
 */
export function truncateCloseReason(reason: string): string {
  // A UTF-16 unit is at most three bytes, so a short reason cannot be too long and needs no encoding.
  if (reason.length * 3 <= MAX_CLOSE_REASON_BYTES) return reason;
  // encodeInto stops before the first character that does not fit, which is exactly the cut wanted here.
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_CLOSE_REASON_BYTES));
  return read >= reason.length ? reason : reason.slice(0, read);
}

/** @throws TypeError for a reason that is not a string. */
export function assertCloseReason(reason: unknown): asserts reason is string {
  if (typeof reason !== 'string') throw new TypeError('The reason of a close is a string.');
}
