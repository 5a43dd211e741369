import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { codesOf, fileOf, readPage } from '../../support/pages.js';

const { text } = readPage('docs/internals/source.md');

const sources = readdirSync(fileOf('src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

interface CruiserConfig {
  readonly forbidden: readonly { readonly name: string }[];
}

/** The folders of the ladder that exist, from the top to the bottom, as `npm run arch` holds them. */
function foldersOfLadder(): string[] {
  const config = createRequire(import.meta.url)(fileOf('.dependency-cruiser.cjs')) as CruiserConfig;
  const rungs = config.forbidden.flatMap(({ name }) => /^ladder-(\w+)$/.exec(name)?.slice(1) ?? []);
  const folders = new Set(readdirSync(fileOf('src/websocket')));
  return rungs.filter((rung) => folders.has(rung));
}

describe('docs/internals/source.md', () => {
  it('draws the ladder that the check of the layers has', () => {
    const [drawn = ''] = /^entries → .*?$\n\n/ms.exec(text) ?? [];
    expect(codesOf(drawn).filter((code) => code !== '·')).toEqual(foldersOfLadder());
  });

  it('names only files that exist', () => {
    const names = new Set(sources.map((file) => basename(file)));
    const named = codesOf(text).filter((code) => code.endsWith('.ts'));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !names.has(basename(path)))).toEqual([]);
  });

  it('names ports that are abstract classes', () => {
    const [, ports = ''] = /implemented above: ([^.]*)\./.exec(text) ?? [];
    const code = sources.map((file) => readFileSync(fileOf(`src/${file}`), 'utf8')).join('\n');
    expect(codesOf(ports).length).toBeGreaterThan(3);
    expect(codesOf(ports).filter((name) => !code.includes(`export abstract class ${name}`))).toEqual([]);
  });
});

describe('test/unit', () => {
  /** Of the pages, of the tools of the tests, and of the words: there is no source beside them. */
  const others = /^(?:pages|support)\/|^prose/;

  it('mirrors src/websocket: a test has the path of its source, or is about a folder of it', () => {
    const specs = readdirSync(fileOf('test/unit'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.spec.ts') && !others.test(file))
      .map((file) => `websocket/${file.replace('.spec.ts', '.ts')}`);
    expect(specs.length).toBeGreaterThan(50);
    const folders = new Set(sources.map((file) => dirname(file)));
    const names = new Set(sources.map((file) => basename(file)));
    const isAbout = (spec: string): boolean =>
      sources.includes(spec) || (folders.has(dirname(spec)) && !names.has(basename(spec)));
    expect(specs.filter((spec) => !isAbout(spec))).toEqual([]);
  });
});
