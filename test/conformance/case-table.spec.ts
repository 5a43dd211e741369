import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';

/** Rows of each section of the table of cases that this library was measured against. */
const SECTIONS = { '4.1': [1, 45], '4.2': [46, 82], '4.3': [83, 106] } as const;

/** The rows that have a test here, as they stand in the titles: `4.1 #7 …`. */
async function rowsWithTest(): Promise<string[]> {
  const folder = new URL('./', import.meta.url);
  const specs = (await readdir(folder)).filter((name) => name.endsWith('.spec.ts'));
  const sources = await Promise.all(specs.map((name) => readFile(new URL(name, folder), 'utf8')));
  return sources.flatMap((source) => [...source.matchAll(/^ *it\(\s*'(4\.\d #\d+) /gm)].map(([, row]) => String(row)));
}

it('every row of the case table has exactly one test', async () => {
  const expected = Object.entries(SECTIONS).flatMap(([section, [first, last]]) =>
    Array.from({ length: last - first + 1 }, (_, index) => `${section} #${first + index}`),
  );
  expect(expected).toHaveLength(106);
  const byNumber = (a: string, b: string): number => Number(a.slice(5)) - Number(b.slice(5));
  expect((await rowsWithTest()).toSorted(byNumber)).toEqual(expected);
});
