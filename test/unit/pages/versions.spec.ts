import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { NEST_FEATURES } from '../../support/nest-features.js';
import { fileOf, readPage, tableAfter } from '../../support/pages.js';

const rows = tableAfter('<!-- table: versions of Nest -->', readPage('docs/reference/versions.md'));

it('the table of docs/reference/versions.md says which Nest has what', () => {
  const said = rows.flatMap(({ '': name = '', ...nests }) => {
    const since = Object.keys(nests).find((nest) => nests[nest] === 'yes');
    // What none or the oldest one has, no test asks for.
    return since === undefined || since === '10' ? [] : [{ name, since: Number(since) }];
  });
  expect(said).toEqual(Object.values(NEST_FEATURES));
});

it.each(Object.keys(NEST_FEATURES))('a test asks for %s', (feature) => {
  const files = readdirSync(fileOf('test'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('spec.ts') && !file.includes('node_modules'),
  );
  const asks = new RegExp(String.raw`\b(?:describeNest|nestHas)\(\s*'${feature}'`);
  expect(files.filter((file) => asks.test(readFileSync(fileOf(`test/${file}`), 'utf8')))).not.toEqual([]);
});
