import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import * as library from '../../src/index.js';
import * as testing from '../../src/testing.js';
import { describeForPeer } from '../../src/websocket/errors/peer-error.js';

const ROOT = new URL('../../', import.meta.url);
const README = read('README.md');

describe('the code of the README', () => {
  const blocks = [...README.matchAll(/(?:<!-- sample: (\S+)#(\S+) -->\n+)?```(?:ts|typescript)\n(.*?)\n```/gs)].map(
    ([, path, name, code]) => ({ path, name, code }),
  );

  it('is cut from samples and tests, block by block', () => {
    expect(blocks.length).toBeGreaterThan(5);
    expect(blocks.filter(({ path }) => path === undefined).map(({ code }) => code)).toEqual([]);
  });

  it.each(blocks.filter(({ path }) => path !== undefined))(
    'is that of $path, region $name',
    ({ path = '', name = '', code }) => {
      expect(code).toBe(readRegion(path, name));
    },
  );
});

describe('the option tables of the README', () => {
  const entries = { ...library, ...testing } as unknown as Readonly<Record<string, new () => object>>;
  const exported = Object.keys(entries).filter((name) => name.endsWith('Options'));

  /** What a class sets by itself, not what it takes over from the class it extends. */
  function defaultsOf(name: string): object {
    const OptionClass = entries[name] as new () => object;
    const Parent = Object.getPrototypeOf(OptionClass) as new () => object;
    const inherited = typeof Parent.prototype === 'object' ? Object.keys(new Parent()) : [];
    const own = Object.entries(new OptionClass()).filter(([option]) => !inherited.includes(option));
    return Object.fromEntries(own.map(([option, value]) => [option, comparable(value)]));
  }

  it.each(exported)('name every option of %s with its default', (name) => {
    const rows = tableAfter(`<!-- options: ${name} -->`);
    const named = Object.fromEntries(rows.map(({ option, default: cell }) => [codeOf(option), valueOf(cell)]));
    expect(named).toStrictEqual(defaultsOf(name));
  });

  it('give every number a unit, unless it is a code or a level', () => {
    const numbers = exported
      .flatMap((name) => tableAfter(`<!-- options: ${name} -->`))
      .filter(({ default: cell }) => typeof valueOf(cell) === 'number');
    const withoutUnit = numbers.filter(({ unit = '' }) => unit === '').map(({ option }) => codeOf(option));
    expect(withoutUnit.toSorted()).toEqual(['code', 'level', 'memLevel']);
  });
});

describe('the figures of the README', () => {
  const measured = tableAfter('### Targets', read('test/bench/README.md'));

  /** The median of a target that the last run judged; the first metric where a workload has several. */
  function medianOf(workload: string, against: string): string | undefined {
    const row = measured.find((one) => one['workload'] === workload && one['against'] === against);
    return /^[\d.]+/.exec(row?.['measured'] ?? '')?.[0];
  }

  it('are those of the last run of the bench', () => {
    const rows = tableAfter('<!-- table: bench -->');
    expect(rows.length).toBeGreaterThan(5);
    for (const { workload, ws, platform } of rows) {
      const name = codeOf(workload);
      expect([name, ws, platform]).toEqual([
        name,
        medianOf(name, '× ws') ?? '–',
        medianOf(name, '× platform-ws') ?? '–',
      ]);
    }
  });

  it('name the hold of the event loop that was measured', () => {
    const [, heldMs] = /holds the event loop for ([\d.]+) ms/.exec(README) ?? [];
    expect(heldMs).toBe(medianOf('hold/5000', 'itself'));
  });
});

describe('the error tables of the README', () => {
  it('have every upgrade error with its status and headers', () => {
    const rows = tableAfter('<!-- table: upgrade errors -->').map(({ error, status, headers = '' }) => [
      codeOf(error),
      { status: Number(status), headers: codesOf(headers) },
    ]);
    const known = Object.entries(library.UPGRADE_ERRORS).map(([error, { status, headers = {} }]) => [
      error,
      { status, headers: Object.keys(headers) },
    ]);
    expect(Object.fromEntries(rows)).toStrictEqual(Object.fromEntries(known));
  });

  it('have every code that a message error can have', () => {
    const statuses = Array.from({ length: 200 }, (_, index) => new HttpException('text', 400 + index));
    const others = [new WsException('text'), new Error('text'), ...libraryErrors().filter(isForPeers)];
    const codes = [...statuses, ...others].map((error) => describeForPeer(error).code);
    const named = tableAfter('<!-- table: message error codes -->').map(({ code }) => codeOf(code));
    expect(named.toSorted()).toEqual([...new Set(codes)].filter((code) => !/^http_\d+$/.test(code)).toSorted());
  });

  it('have every error class with its code', () => {
    const rows = tableAfter('<!-- table: error classes -->').map((row) => [codeOf(row['class']), codeOf(row['code'])]);
    const known = libraryErrors().map(({ name, code }) => [name, code]);
    expect(Object.fromEntries(rows)).toStrictEqual(Object.fromEntries(known));
  });

  it('have every close code that is sent without asking', () => {
    const rows = tableAfter('<!-- table: close codes -->').map(({ code }) => Number(code));
    expect(rows).toEqual(expect.arrayContaining(Object.values(library.CloseCode)));
  });
});

describe('the security tables of the README', () => {
  const rows = ['cheat sheet', 'asvs'].flatMap((name) => tableAfter(`<!-- table: ${name} -->`));

  it('name a test for every row, or say that there is none', () => {
    expect(rows.length).toBeGreaterThan(30);
    const silent = rows.filter(({ proven = '' }) => proven !== '–' && testsOf(proven).length === 0);
    expect(silent.map(({ asked }) => asked)).toEqual([]);
  });

  it('name only tests that exist', () => {
    const named = rows.flatMap(({ proven = '' }) => testsOf(proven));
    expect(named.filter(({ path, title }) => !hasTest(path, title))).toEqual([]);
  });
});

describe('the table of enhancers in src/websocket/README.md', () => {
  it('says what the tests of the pipeline prove, cell by cell', () => {
    const proven = [
      ...read('test/e2e/pipeline/matrix.e2e-spec.ts').matchAll(/'(\w+: \w+ (?:app|global|class|method|parameter))'/g),
    ];
    const rows = tableAfter('<!-- table: enhancers -->', read('src/websocket/README.md'));
    const said = rows.flatMap(({ '': kind = '', ...cells }) =>
      Object.entries(cells).flatMap(([stage, cell]) =>
        cell
          .split(', ')
          .filter((level) => level !== '')
          .map((level) => `${stage}: ${kind} ${level}`),
      ),
    );
    expect(said.toSorted()).toEqual([...new Set(proven.map(([, cell = '']) => cell))].toSorted());
  });
});

describe('the README', () => {
  it('mentions everything that the entries export', () => {
    const names = [...Object.keys(library), ...Object.keys(testing)];
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(README))).toEqual([]);
  });

  it('names no decorator or option class of ours that does not exist', () => {
    const decorators = [...README.matchAll(/@((?:On|Ws|Handshake)[A-Z]\w+)/g)].map(([, name = '']) => name);
    const options = [...README.matchAll(/`([A-Z]\w*Options)`/g)].map(([, name = '']) => name);
    const known = { ...library, ...testing };
    expect([...decorators, ...options].filter((name) => !(name in known))).toEqual([]);
  });
});

describe.each([
  'README.md',
  'src/websocket/README.md',
  'test/README.md',
  'sample/README.md',
  'sample/02-handshake/README.md',
])('%s', (path) => {
  it('links only to headings and files that exist', () => {
    const page = read(path);
    const headings = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => toAnchor(title)));
    const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const dead = links.filter((target) =>
      target.startsWith('#') ? !headings.has(target.slice(1)) : !existsSync(new URL(target, at(path))),
    );
    expect(links).not.toEqual([]);
    expect(dead).toEqual([]);
  });
});

describe('the invariants in src/websocket/README.md', () => {
  it('are those that the code says', () => {
    const sources = readdirSync(at('src/websocket'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const holders = sources.filter((file) => /^ \* Invariant: /m.test(read(`src/websocket/${file}`)));
    const [, section = ''] = read('src/websocket/README.md').split('## Invariants\n');
    const named = section.split('\n## ', 1)[0]?.matchAll(/^- \[`([^`]+)`\]/gm) ?? [];
    expect([...named].map(([, file = '']) => file).toSorted()).toEqual(holders.toSorted());
  });
});

function at(path: string): URL {
  return new URL(path, ROOT);
}

function read(path: string): string {
  return readFileSync(at(path), 'utf8');
}

/** The lines between `// #region name` and `// #endregion name`, without their common indentation. */
function readRegion(path: string, name: string): string {
  const lines = read(path).split('\n');
  const begin = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const end = lines.findIndex((line) => line.trim() === `// #endregion ${name}`);
  if (begin === -1 || end < begin) throw new Error(`${path} has no region ${name}.`);
  const region = lines.slice(begin + 1, end);
  const indents = region.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)?.[0].length ?? 0);
  return region.map((line) => line.slice(Math.min(...indents))).join('\n');
}

/** The rows of the table that follows a marker, by the titles of their columns. */
function tableAfter(marker: string, page = README): Record<string, string>[] {
  const [, after] = page.split(`${marker}\n`);
  if (after === undefined) throw new Error(`There is no ${marker}.`);
  const [head = '', , ...rows] = after.trimStart().split('\n\n', 1)[0]?.split('\n') ?? [];
  const titles = cellsOf(head).map(toTitle);
  return rows.map((row) => Object.fromEntries(cellsOf(row).map((cell, index) => [titles[index] ?? '', cell])));
}

/** `error` is the error column, "option of `X`" the option column. */
function toTitle(head: string): string {
  return /\w+/.exec(head)?.[0] ?? '';
}

function cellsOf(row: string): string[] {
  const cells = row.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim());
}

/** `path` "title", "title"; `path` "title": each title with its path. */
function testsOf(cell: string): { path: string; title: string }[] {
  let path = '';
  return [...cell.matchAll(/`([^`]+)`|"([^"]+)"/g)].flatMap(([, file, title]) => {
    path = file ?? path;
    return title === undefined ? [] : [{ path, title }];
  });
}

/** Whether a call in that file has this text as its first argument, as `it('…', …)` and `it.each(…)('…', …)` do. */
function hasTest(path: string, title: string): boolean {
  if (!existsSync(at(path))) return false;
  const before = read(path).split(`'${title}',`).slice(0, -1);
  return before.some((text) => /\(\s*$/.test(text));
}

function codesOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

function codeOf(cell: string | undefined): string {
  return codesOf(cell ?? '')[0] ?? '';
}

/** A default as the README writes it. */
function valueOf(cell: string | undefined): unknown {
  if (cell === 'none') return undefined;
  if (cell === 'see below') return 'options of their own';
  const code = codeOf(cell);
  return comparable(JSON.parse(code.replaceAll('_', '').replaceAll("'", '"')));
}

/** Groups of options have a table of their own. */
function comparable(value: unknown): unknown {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? 'options of their own' : value;
}

interface LibraryError {
  readonly name: string;
  readonly code: string;
}

/** One of each exported error class, the base class left out. */
function libraryErrors(): (Error & LibraryError)[] {
  const classes = (Object.values(library) as unknown[]).filter(isErrorClass);
  return classes.map((ErrorClass) => new ErrorClass('text', 'text'));
}

function isErrorClass(value: unknown): value is new (...args: unknown[]) => library.PlackWebSocketError {
  return typeof value === 'function' && value.prototype instanceof library.PlackWebSocketError;
}

function isForPeers(error: LibraryError): boolean {
  return describeForPeer(error).code === error.code;
}

/** The anchor that a forge gives a heading. */
function toAnchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
