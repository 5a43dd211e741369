import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fileOf, readPage, readPages, type Page } from '../../support/pages.js';

const pages = readPages();

interface Link {
  /** From the root of the repository. */
  readonly path: string;
  readonly anchor: string;
}

/** Links and images of a page to this repository. */
function linksOf({ path, text }: Page): Link[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '``');
  const inline = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const references = [...prose.matchAll(/^\[[^\]]+\]: (\S+)/gm)].map(([, target = '']) => target);
  return [...inline, ...references]
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor = ''] = target.split('#');
      return { path: file === '' ? path : normalize(join(dirname(path), file)), anchor };
    });
}

/** The anchors that a forge gives the headings of a page; the second of one name gets a number. */
function anchorsOf({ text }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, title = ''] of text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)) {
    const plainTitle = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plainTitle.replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    let numbered = anchor;
    for (let number = 1; anchors.has(numbered); number++) numbered = `${anchor}-${number}`;
    anchors.add(numbered);
  }
  return anchors;
}

describe.each(pages)('$path', (page) => {
  it('links only to files and headings that exist', () => {
    const dead = linksOf(page).filter(({ path, anchor }) => {
      if (!existsSync(fileOf(path))) return true;
      return anchor !== '' && path.endsWith('.md') && !anchorsOf(readPage(path)).has(anchor);
    });
    expect(dead).toEqual([]);
  });
});

describe('every page', () => {
  it('is linked from another one', () => {
    const linked = new Set(
      pages.flatMap((page) => linksOf(page).filter(({ path }) => path !== page.path)).map(({ path }) => path),
    );
    const lonely = pages.map(({ path }) => path).filter((path) => !linked.has(path) && !linked.has(dirname(path)));
    // A forge shows these by itself.
    expect(lonely.filter((path) => path !== 'README.md' && !path.startsWith('.github/'))).toEqual([]);
  });

  it('of docs is in its index', () => {
    const indexes = [readPage('docs/README.md'), readPage('docs/decisions/README.md')];
    const index = new Set(indexes.flatMap(linksOf).map(({ path }) => path));
    const missing = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !index.has(path));
    expect(missing).toEqual(['docs/README.md']);
  });
});
