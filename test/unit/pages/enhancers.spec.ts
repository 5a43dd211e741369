import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { fileOf, listAfter, readPage, tableAfter } from '../../support/pages.js';

const PAGE = readPage('docs/reference/enhancers.md');
const STAGES = ['handshake', 'establish', 'message', 'finish', 'error'];

/** What `all` stands for in the table of parts. */
const ALL = ['app', 'global', 'endpoint', 'part', 'method'];

/** `['a class guard runs in the handshake', 'handshake: guard class']`: each row of the tables of tests. */
function testsIn(file: string): { readonly title: string; readonly cell: string }[] {
  const rows = readFileSync(fileOf(file), 'utf8').matchAll(
    /\['([^']+)', '(\w+: \w+(?: (?:app|global|class|endpoint|part|method|parameter))?)'\]/g,
  );
  return [...rows].map(([, title = '', cell = '']) => ({ title, cell }));
}

/** `handshake: guard`, with the places from which that enhancer runs there. */
function cellsOf(table: string): { readonly cell: string; readonly places: readonly string[] }[] {
  return tableAfter(`<!-- table: ${table} -->`, PAGE).flatMap(({ '': kind = '', ...stages }) =>
    STAGES.map((stage) => ({
      cell: `${stage}: ${kind}`,
      places: (stages[stage] ?? '')
        .split(', ')
        .flatMap((place) => (place === 'all' ? ALL : place))
        .filter((place) => place !== ''),
    })),
  );
}

const cells = cellsOf('enhancers');

describe.each([
  ['enhancers', cells, testsIn('test/e2e/pipeline/matrix.e2e-spec.ts')],
  ['enhancers of parts', cellsOf('enhancers of parts'), testsIn('test/e2e/parts/matrix.e2e-spec.ts')],
])('the table of %s', (_name, said, tests) => {
  it('has every stage and every kind', () => {
    expect(said).toHaveLength(4 * STAGES.length);
  });

  it('names the places that have a test, and no other', () => {
    const named = said.flatMap(({ cell, places }) => places.map((place) => `${cell} ${place}`));
    const proven = tests.map(({ cell }) => cell).filter((cell) => cell.split(' ').length === 3);
    expect(named.toSorted()).toEqual([...new Set(proven)].toSorted());
  });

  it.each(said.filter(({ places }) => places.length === 0))('leaves $cell empty, where a test says no', ({ cell }) => {
    expect(tests.filter((test) => test.cell === cell && test.title.startsWith('no '))).toHaveLength(1);
  });
});

describe('the table of enhancers', () => {
  it('says for each kind that does not run from everywhere why not', () => {
    const partial = cells.filter(({ places }) => !places.includes('class')).map(({ cell }) => cell);
    const explained = listAfter('<!-- list: why not -->', PAGE).map(({ name }) => name);
    expect(explained.toSorted()).toEqual(partial.toSorted());
  });
});
