import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { renderApiPage } from '../../support/api-page.js';
import { fileOf } from '../../support/pages.js';

const PAGE = fileOf('docs/reference/api.md');

it('docs/reference/api.md has the docstrings of the sources; npm run pages writes it', () => {
  const rendered = renderApiPage();
  if (process.env['WRITE_PAGES'] === '1') writeFileSync(PAGE, rendered);
  else expect(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '').toBe(rendered);
});
