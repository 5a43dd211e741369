import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const README = new URL('../../src/websocket/README.md', import.meta.url);
const [, matrix = ''] = /<!-- matrix:begin -->\n(.*)<!-- matrix:end -->/s.exec(readFileSync(README, 'utf8')) ?? [];

/** What the labels of links stand for: a file of tests and the name of one of them. */
const tests = new Map(
  [...matrix.matchAll(/^\[([^\]]+)\]: (\S+) (['"])(.*)\3$/gm)].map(([, label = '', path = '', , name = '']) => [
    label,
    { file: new URL(path, README), name },
  ]),
);

/** Rows of the tables without their heads, as cells. */
const rows = matrix
  .split('\n\n')
  .filter((block) => block.startsWith('|'))
  .flatMap((block) => block.trim().split('\n').slice(2))
  .map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

/** The labels of the links in a text, such as `[runs][message guard class]`. */
function labelsIn(text: string): string[] {
  return [...text.matchAll(/\]\[([^\]]+)\]/g)].map(([, label = '']) => label);
}

describe('the matrix in src/websocket/README.md', () => {
  it('stands between its markers, with every stage', () => {
    expect(matrix).not.toBe('');
    expect([...new Set(rows.filter(isOfEnhancer).map(([stage]) => stage))]).toEqual([
      'handshake',
      'establish',
      'message',
      'finish',
      'error',
    ]);
  });

  it('has a test for every cell', () => {
    const cells = rows.flatMap((row) => (isOfEnhancer(row) ? row.slice(2, 8) : row.slice(1)));
    expect(cells.filter((cell) => cell !== '—' && labelsIn(cell).length === 0)).toEqual([]);
    expect(labelsIn(matrix).filter((label) => !tests.has(label))).toEqual([]);
  });

  it('gives no reason for what runs, and one for what does not', () => {
    const enhancers = rows.filter((cells) => cells.length === 9);
    const unexplained = enhancers.filter(
      (cells) => cells.some((cell) => cell.startsWith('[no]')) !== (cells[8] !== ''),
    );
    expect(unexplained).toEqual([]);
  });

  it('names only tests that exist', () => {
    const missing = [...tests.values()].filter(({ file, name }) => !existsSync(file) || !hasTest(file, name));
    expect(missing.map(({ file, name }) => `${file.pathname}: ${name}`)).toEqual([]);
  });
});

/** Rows of the table of enhancers end with the reason why one does not run. */
function isOfEnhancer(row: readonly string[]): boolean {
  return row.length === 9;
}

/** The name of a test stands first in a call, or first in a row of a table of tests. */
function hasTest(file: URL, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?:\\bit\\(|\\]\\)\\(|\\[)\\s*(['"\`])${escaped}\\1`).test(readFileSync(file, 'utf8'));
}
