import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { OPTION_CASES } from '../../e2e/gateways/option-cases.js';
import { fileOf, readPage } from '../../support/pages.js';

const PATH = 'docs/reference/gateways.md';
const GENERATED = /(<!-- generated: gateway options -->\n).*?(<!-- end -->)/s;

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('');
}

/** A list item, its lines within what the form of the pages allows. */
function itemOf(option: string, remark: string): string {
  return `- ${option}: ${remark}`.replaceAll(/(.{1,126})(?:\s+|$)/g, '$1\n  ').trimEnd();
}

it('docs/reference/gateways.md has what becomes of each option; npm run pages writes it', () => {
  const { text } = readPage(PATH);
  const table = tableOf([
    ['option', 'stock', 'here'],
    ...OPTION_CASES.map(({ option, stock, ours }) => [option, stock, ours]),
  ]);
  const remarks = OPTION_CASES.filter(({ remark }) => remark !== '').map(({ option, remark }) =>
    itemOf(option, remark),
  );
  const rendered = text.replace(GENERATED, (_all, begin: string, end: string) =>
    [begin, table, `${remarks.join('\n')}\n`, end].join('\n'),
  );
  if (process.env['WRITE_PAGES'] === '1') writeFileSync(fileOf(PATH), rendered);
  else expect(text).toBe(rendered);
});

it('the table has every option that ws documents', () => {
  const source = readFileSync(fileOf('node_modules/ws/lib/websocket-server.js'), 'utf8');
  const documented = [...source.matchAll(/@param \{.*?\} \[options\.(\w+)/g)].map(([, name]) => name);
  const named = OPTION_CASES.map(({ option }) => /^`([\w.]+)`/.exec(option)?.[1]);
  expect(documented.length).toBeGreaterThan(15);
  expect(documented.filter((name) => !named.includes(name))).toEqual([]);
});
