import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { fileOf, plain, readPage, readPages, type Page } from '../../support/pages.js';

interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** Tests that a text names: `` `file` "title", "title" ``, over the ends of lines too. */
function testsIn(text: string): NamedTest[] {
  const named = plain(text).matchAll(/`(?<file>test\/[\w./-]+\.ts)` (?<titles>"[^"]+"(?:,? (?:and )?"[^"]+")*)/g);
  return [...named].flatMap(({ groups }) =>
    [...(groups?.['titles'] ?? '').matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({
      file: groups?.['file'] ?? '',
      title,
    })),
  );
}

/** Whether the title stands first in a call or in a row of a table of tests, whatever quotes it has. */
function exists({ file, title }: NamedTest): boolean {
  if (!existsSync(fileOf(file))) return false;
  const escaped = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`[([]\\s*(['"\`])${escaped}\\1`).test(readFileSync(fileOf(file), 'utf8'));
}

const naming = readPages().filter(({ text }) => testsIn(text).length > 0);

describe.each(naming)('$path', ({ text }) => {
  it('names only tests that exist', () => {
    expect(testsIn(text).filter((test) => !exists(test))).toEqual([]);
  });
});

/** The items below a marker of a list whose items have parts of their own. */
function partsOf(marker: string, page: Page): string[] {
  const [, after = ''] = page.text.split(`${marker}\n`);
  return after.trimStart().split('\n\n', 1)[0]?.split(/^- /m).slice(1) ?? [];
}

describe('docs/security.md', () => {
  const asked = ['cheat sheet', 'asvs', 'asvs api', 'asvs logging'].flatMap((name) =>
    partsOf(`<!-- list: ${name} -->`, readPage('docs/security.md')),
  );

  it('names a test for everything that is asked, or says that there is none', () => {
    expect(asked.length).toBeGreaterThan(55);
    const silent = asked.filter((item) => !/^ {2}- Proven by: –$/m.test(item) && testsIn(item).length === 0);
    expect(silent).toEqual([]);
  });
});
