import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { blocksOf, fileOf, invariantsOf, plain, readPage, readPages, refresh } from '../../support/pages.js';

/** What a page may show without a mark: commands and what they print, bytes of HTTP, drawings, and Perl. */
const FREE = new Set(['sh', 'console', 'http', 'text', 'perl']);

const pages = readPages();
const blocks = pages.flatMap(blocksOf);

describe.each(pages)('$path', (page) => {
  it('shows code and invariants as their files have them; npm run pages cuts them anew', () => {
    const refreshed = refresh(page);
    if (process.env['WRITE_PAGES'] === '1') writeFileSync(fileOf(page.path), refreshed);
    else expect(page.text).toBe(refreshed);
  });
});

describe('code in pages', () => {
  it('is cut from a file, or played by a test', () => {
    expect(blocks.filter(({ mark }) => mark?.kind === 'cut').length).toBeGreaterThan(10);
    const loose = blocks.filter(({ language, mark }) => mark === undefined && !FREE.has(language));
    expect(loose.map(({ page, line, language }) => `${page}:${line} ${language}`)).toEqual([]);
  });

  it('is cut from samples, tests and sources', () => {
    const foreign = blocks.filter(({ mark }) => mark?.kind === 'cut' && !/^(?:sample|test|src)\//.test(mark.target));
    expect(foreign.map(({ page, line, mark }) => `${page}:${line} ${mark?.target}`)).toEqual([]);
  });

  it('is read by the test that plays it', () => {
    const played = blocks.filter(({ mark }) => mark?.kind === 'played');
    const silent = played.filter(({ page, mark }) => {
      const file = fileOf(mark?.target ?? '');
      return !existsSync(file) || !readFileSync(file, 'utf8').includes(page);
    });
    expect(silent.map(({ page, line, mark }) => `${page}:${line} ${mark?.target}`)).toEqual([]);
  });
});

describe('the invariants in docs/internals/source.md', () => {
  it('are all those that the sources have', () => {
    const sources = readdirSync(fileOf('src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `src/${file}`);
    const said = sources.flatMap((source) => invariantsOf(source).map((text) => `${source}: ${text}`));
    const quotes = readPage('docs/internals/source.md').text.matchAll(
      /\]\([./]*(src[^)]+)\)[^\n]*\n\n((?:> [^\n]*\n)+)/g,
    );
    expect([...quotes].map(([, source = '', quote = '']) => `${source}: ${plain(quote)}`).toSorted()).toEqual(
      said.toSorted(),
    );
    expect(said.length).toBeGreaterThan(2);
  });
});
