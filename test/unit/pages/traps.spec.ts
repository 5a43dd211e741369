import { describe, expect, it } from '@jest/globals';
import { plain, readPage } from '../../support/pages.js';

const NUMBER_OF_TRAPS = 54;

/** A trap, and what holds it: tests, which `proofs.spec.ts` looks for, or a sentence. */
const traps = [
  ...readPage('test/traps.md').text.matchAll(/^(\d+)\. .*\n(?:\s+[^-\s].*\n)*\s+- ((?:.*\n)(?: {3,}.*\n)*)/gm),
].map(([, number, held = '']) => ({ number: Number(number), held: plain(held) }));

describe('traps.md', () => {
  it('has every trap once, in order', () => {
    expect(traps.map(({ number }) => number)).toEqual(Array.from({ length: NUMBER_OF_TRAPS }, (_, index) => index + 1));
  });

  it.each(traps)('names what holds trap $number', ({ held }) => {
    expect(held).toMatch(/^Held by (?:`test\/[\w./-]+\.ts` "[^"]+"(?:, "[^"]+")*(?:, )?)+$|^[A-Z][^.]{20,}\.$/);
  });
});
