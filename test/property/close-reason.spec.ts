import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_CLOSE_REASON_BYTES, truncateCloseReason } from '../../src/websocket/protocol/close-reason.js';

const CHARACTERS = ['a', '\0', 'é', '€', '\u{1F600}', '\u{10FFFF}', 'e\u0301', '\u{1F468}\u200D\u{1F469}'];
/** Text of one to four bytes a character, mostly around the limit. */
const reason = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 140 }).map((characters) => characters.join('')),
  fc
    .tuple(fc.integer({ min: 115, max: 125 }), fc.constantFrom(...CHARACTERS))
    .map(([n, last]) => 'x'.repeat(n) + last.repeat(3)),
);
/** UTF-16 units of any kind, halves of pairs too. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
  .map((codes) => String.fromCharCode(...codes));

const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('a close reason', () => {
  it('is at most 123 bytes of UTF-8', () => {
    fc.assert(
      fc.property(fc.oneof(reason, units), (text) => {
        expect(bytesOf(truncateCloseReason(text))).toBeLessThanOrEqual(MAX_CLOSE_REASON_BYTES);
      }),
    );
  });

  it('is unchanged when it fits, else the beginning of what was given', () => {
    fc.assert(
      fc.property(fc.oneof(reason, units), (text) => {
        const cut = truncateCloseReason(text);
        expect(text.startsWith(cut)).toBe(true);
        if (bytesOf(text) <= MAX_CLOSE_REASON_BYTES) expect(cut).toBe(text);
      }),
    );
  });

  it('stays valid UTF-8', () => {
    fc.assert(
      fc.property(reason, (text) => {
        const cut = truncateCloseReason(text);
        expect(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(cut))).toBe(cut);
      }),
    );
  });

  it('loses no character that would have fitted', () => {
    fc.assert(
      fc.property(reason, (text) => {
        const cut = truncateCloseReason(text);
        const [next] = text.slice(cut.length);
        const more = next === undefined ? Infinity : bytesOf(cut + next);
        expect(more).toBeGreaterThan(MAX_CLOSE_REASON_BYTES);
      }),
    );
  });

  it('is the same when it is cut again', () => {
    fc.assert(
      fc.property(fc.oneof(reason, units), (text) => {
        const cut = truncateCloseReason(text);
        expect(truncateCloseReason(cut)).toBe(cut);
      }),
    );
  });
});
