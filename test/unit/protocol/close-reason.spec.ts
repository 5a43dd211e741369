import { describe, expect, it } from '@jest/globals';
import { MAX_CLOSE_REASON_BYTES, truncateCloseReason } from '../../../src/websocket/protocol/close-reason.js';

describe('a close reason', () => {
  it.each(['', 'bye', 'x'.repeat(MAX_CLOSE_REASON_BYTES), 'ü'.repeat(61), '\u{1F600}'.repeat(30)])(
    'that fits comes back unchanged (%#)',
    (reason) => {
      expect(truncateCloseReason(reason)).toBe(reason);
    },
  );

  it.each<[string, string, string]>([
    ['a letter', 'x'.repeat(124), 'x'.repeat(123)],
    ['a character of two bytes', 'ü'.repeat(62), 'ü'.repeat(61)],
    ['a character of three bytes', '€'.repeat(42), '€'.repeat(41)],
    ['a character of two UTF-16 units', '\u{1F600}'.repeat(31), '\u{1F600}'.repeat(30)],
    ['a character that would be split', `${'x'.repeat(122)}ü`, 'x'.repeat(122)],
  ])('is cut before %s that does not fit', (_what, reason, cut) => {
    expect(truncateCloseReason(reason)).toBe(cut);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(MAX_CLOSE_REASON_BYTES);
  });

  it('with a lone surrogate is measured as the U+FFFD that it becomes', () => {
    expect(truncateCloseReason('\ud800'.repeat(42))).toBe('\ud800'.repeat(41));
  });
});
