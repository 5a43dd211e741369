import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const DOCUMENT = new URL('../traps.md', import.meta.url);
const NUMBER_OF_TRAPS = 54;

interface Trap {
  readonly number: number;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
  /** What stands there instead of tests. */
  readonly sentence: string;
}

function readTraps(): Trap[] {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| (\d+) +\| .+? \| (.+?) +\|$/gm);
  return [...rows].map(([, number, heldBy = '']) => ({
    number: Number(number),
    tests: [...heldBy.matchAll(/`([\w./-]+\.ts)` "([^"]+)"/g)].map(([, file = '', title = '']) => ({ file, title })),
    sentence: heldBy.replaceAll(/`[\w./-]+\.ts` "[^"]+"(, )?/g, ''),
  }));
}

/** The source of a test file, or nothing if it does not exist. */
function sourceOf(file: string): string {
  try {
    return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  } catch {
    return '';
  }
}

describe('traps.md', () => {
  const traps = readTraps();

  it('has every trap once, in order', () => {
    expect(traps.map(({ number }) => number)).toEqual(Array.from({ length: NUMBER_OF_TRAPS }, (_, index) => index + 1));
  });

  it.each(traps)('names what holds trap $number', ({ tests, sentence }) => {
    for (const { file, title } of tests) {
      // A title stands in the source as it is, whatever quotes it has.
      const isThere = [`'${title}'`, `"${title}"`, `\`${title}\``].some((literal) => sourceOf(file).includes(literal));
      expect({ file, title, isThere }).toEqual({ file, title, isThere: true });
    }
    if (tests.length === 0) expect(sentence).toMatch(/^[A-Z][^.]{20,}\.$/);
    else expect(sentence).toBe('');
  });
});
