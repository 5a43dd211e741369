import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Folders that hold what tools made, or what belongs to others. */
const FOREIGN = new Set(['node_modules', 'dist', 'coverage', 'etc']);

/** A Markdown file of this repository. */
export interface Page {
  /** From the root of the repository, such as `docs/guide/01-endpoints.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of a page, with the mark in the comment before it. */
export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** `cut` from a file, or `played` by a test that reads it from the page. */
  readonly mark?: { readonly kind: 'cut' | 'played'; readonly target: string };
}

/** `` - `name`, facts: text `` in the list after a marker. */
export interface Item {
  readonly name: string;
  readonly facts: string;
  readonly text: string;
}

/** Every page of this repository, in the order of their paths. */
export function readPages(): Page[] {
  return pathsBelow('').map((path) => readPage(path));
}

/** The pages for users: the README and everything in `docs`. */
export function readUserPages(): Page[] {
  return [readPage('README.md'), ...pathsBelow('docs').map((path) => readPage(path))];
}

export function readPage(path: string): Page {
  return { path, text: readFileSync(fileOf(path), 'utf8') };
}

/** A file of this repository, by its path from the root. */
export function fileOf(path: string): string {
  return join(ROOT, path);
}

const FENCE = /^(?:<!-- (cut|played): (\S+) -->\n+)?(`{3,})(\S*)\n(.*?)^\3$/gms;

export function blocksOf({ path, text }: Page): Block[] {
  return [...text.matchAll(FENCE)].map(({ 1: kind, 2: target, 4: language = '', 5: code = '', index }) => ({
    page: path,
    line: text.slice(0, index).split('\n').length,
    language,
    code,
    ...(kind !== undefined && target !== undefined && { mark: { kind: kind as 'cut' | 'played', target } }),
  }));
}

/** The page as it has to be: each block that is cut has the code of its file, each quoted invariant its words. */
export function refresh({ text }: Page): string {
  return text
    .replaceAll(FENCE, (block, kind?: string, target = '', fence = '', language = '', code = '') =>
      kind === 'cut'
        ? block.replace(`${fence}${language}\n${code}`, () => `${fence}${language}\n${cut(target)}`)
        : block,
    )
    .replaceAll(/\]\(([^)]+\.ts)\)[^\n]*\n\n((?:> [^\n]*\n)+)/g, (whole: string, link: string, quote: string) =>
      whole.replace(quote, () => quoteFrom(link, quote)),
    );
}

/** Takes the place of a quote with the same beginning. */
function quoteFrom(link: string, quote: string): string {
  if (!quote.startsWith('> Invariant: ')) return quote;
  const [path = ''] = /src\/.*/.exec(link) ?? [];
  const said = invariantsOf(path);
  const given = plain(quote);
  const meant = said.find((one) => one === given) ?? said.find((one) => one.startsWith(given.slice(0, 30)));
  if (meant === undefined) throw new Error(`${path} has no invariant that begins with ${given.slice(0, 30)}`);
  return given === meant ? quote : `${wrap(meant)}\n`;
}

/** What the comments of a source file say after `Invariant:`, up to the end of the paragraph, on one line each. */
export function invariantsOf(source: string): string[] {
  const text = readFileSync(fileOf(source), 'utf8');
  const paragraphs = text.matchAll(/^ *(?:\*|\/\/|\/\*\*) (Invariant: .*(?:\n *(?:\*|\/\/) \S.*)*)/gm);
  return [...paragraphs].map(([, said = '']) => plain(said.replaceAll(/^ *(?:\*|\/\/) /gm, '').replace(/ ?\*\/$/, '')));
}

/** Text of a comment or a quote on one line. */
export function plain(text: string): string {
  return text.replaceAll(/^> /gm, '').replaceAll(/\s+/g, ' ').trim();
}

/** A quote of lines of up to 118 characters. */
function wrap(text: string): string {
  return text.replaceAll(/(\S.{0,115})(?:\s+|$)/g, '> $1\n').trimEnd();
}

/** `path#region`, or `path` for a whole file; regions inside leave no trace. */
function cut(target: string): string {
  const [path = '', region] = target.split('#');
  const lines = readFileSync(fileOf(path), 'utf8').trimEnd().split('\n');
  const part = region === undefined ? lines : regionOf(lines, region);
  if (part === undefined) throw new Error(`${path} has no region ${region}.`);
  const kept = part.filter((line) => !/^\s*(?:\/\/|#|<!--) #(?:end)?region \S+/.test(line));
  const indents = kept.filter((line) => line.trim() !== '').map((line) => /^ */.exec(line)?.[0].length ?? 0);
  return `${kept.map((line) => line.slice(Math.min(...indents))).join('\n')}\n`;
}

function regionOf(lines: readonly string[], name: string): string[] | undefined {
  const isMark = (line: string, mark: string) =>
    line.trim().replace(/ -->$/, '') === `${/\S+/.exec(line)?.[0] ?? ''} #${mark} ${name}`;
  const begin = lines.findIndex((line) => isMark(line, 'region'));
  const end = lines.findIndex((line) => isMark(line, 'endregion'));
  return begin === -1 || end < begin ? undefined : lines.slice(begin + 1, end);
}

/** The rows of the table after a marker, by the first words of its heads. */
export function tableAfter(marker: string, { path, text }: Page): Record<string, string>[] {
  const [head = '', , ...rows] = blockAfter(marker, path, text).split('\n');
  const titles = cellsOf(head).map((title) => /\w+/.exec(title)?.[0] ?? '');
  return rows.map((row) => Object.fromEntries(cellsOf(row).map((cell, index) => [titles[index] ?? '', cell])));
}

/** The items of the list after a marker. */
export function listAfter(marker: string, { path, text }: Page): Item[] {
  const items = blockAfter(marker, path, text).split(/^- /m).slice(1);
  return items.map((item) => {
    const { groups } = /^`(?<name>[^`]+)`(?:, (?<facts>(?:`[^`]*`|[^`:])*))?: (?<text>.*)$/s.exec(item) ?? {};
    if (groups === undefined) throw new Error(`${path}: "${item.trim()}" is not of the form "\`name\`, facts: text".`);
    return { name: groups['name'] ?? '', facts: groups['facts'] ?? '', text: plain(groups['text'] ?? '') };
  });
}

function blockAfter(marker: string, path: string, text: string): string {
  const [, after] = text.split(`${marker}\n`);
  if (after === undefined) throw new Error(`${path} has no ${marker}.`);
  return after.trim().split('\n\n', 1)[0] ?? '';
}

function cellsOf(row: string): string[] {
  const cells = row.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim());
}

export function codesOf(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

export function codeOf(text: string | undefined): string {
  return codesOf(text ?? '')[0] ?? '';
}

function pathsBelow(folder: string): string[] {
  const entries = readdirSync(fileOf(folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !FOREIGN.has(name) && (!name.startsWith('.') || name === '.github'))
    .flatMap((entry) => {
      const path = relative(ROOT, join(entry.parentPath, entry.name));
      if (entry.isDirectory()) return pathsBelow(path);
      return path.endsWith('.md') ? [path] : [];
    })
    .toSorted();
}
