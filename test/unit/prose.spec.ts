import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = new URL('../../', import.meta.url);

/** Words that a reader who learned English as a second language stumbles over, and what to write instead. */
const HARD_WORDS: readonly (readonly [pattern: string, advice: string])[] = [
  ['(no|some|any|every)body', 'say who: the application, a handler, another listener; or use the passive'],
  ['(who|whom|what|which|how)(so)?ever(?!,)', 'name the cases, or say "any", "each", "whether or not"'],
  ['whom', 'say "who", or name the person'],
  ['for ever|forever', 'say how long: until the connection ends, without a limit'],
  ['(?<!there )(is|are|was|were) no(?! (longer|more) )', 'say "is not a …"'],
  ['(stands?|stood)(?! for |-)', 'say "is", "is placed", "follows", "replaces"'],
  ['(see|sees|saw) to it', 'say "makes sure"'],
  ['lets? go', 'say "releases", "closes", "ends"'],
  ['in hand', 'say "current"'],
  ['(become|becomes|became|come|comes|came) of', 'say "the result of", "happens to"'],
  ['thus|hence|thereby|hereby|lest|albeit|upon|whence|notwithstanding|whilst', 'use the everyday word'],
];

/** A phrase may break at the end of a line, of a comment too. */
const PATTERNS = HARD_WORDS.map(
  ([pattern, advice]) => [new RegExp(`\\b(${pattern.replaceAll(' ', '[\\s*/#]+')})\\b`, 'gi'), advice] as const,
);

/** Says where a text has hard words: `file:line "words": advice`. */
function hardWordsIn(file: string, text: string): string[] {
  return PATTERNS.flatMap(([pattern, advice]) =>
    [...text.matchAll(pattern)].map(({ 0: words, index }) => {
      const line = text.slice(0, index).split('\n').length;
      return `${file}:${line} ${JSON.stringify(words)}: ${advice}`;
    }),
  );
}

/** A source with everything but its comments and its texts of several words blanked out, so that lines keep their numbers. */
function wordsOf(code: string): string {
  const source = ts.createSourceFile('file.ts', code, ts.ScriptTarget.Latest);
  const words = code.replaceAll(/[^\n]/g, ' ').split('');
  const keep = (ranges: readonly ts.TextRange[] = []): void => {
    for (const { pos, end } of ranges) words.splice(pos, end - pos, ...code.slice(pos, end).split(''));
  };
  const visit = (node: ts.Node): void => {
    keep(ts.getLeadingCommentRanges(code, node.pos));
    keep(ts.getTrailingCommentRanges(code, node.end));
    if ((ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node)) && node.text.includes(' ')) {
      keep([{ pos: node.getStart(source), end: node.end }]);
    }
    for (const child of node.getChildren(source)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(source);
  return words.join('');
}

/** A page with its code and the names of tests blanked out, so that lines keep their numbers. */
function proseOf(page: string): string {
  const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');
  return page.replaceAll(/^(`{3,}).*?^\1$|`[^`]*`|(?<=\.ts` |",\s*)"[^"]*"/gms, blank);
}

function read(file: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8');
}

function filesOf(folder: string, extension: string): string[] {
  if (!existsSync(new URL(folder, ROOT))) return [];
  return readdirSync(new URL(folder, ROOT), { recursive: folder !== './', encoding: 'utf8' })
    .filter((file) => file.endsWith(extension))
    .map((file) => `${folder}${file}`.replace('./', ''));
}

describe('plain English', () => {
  it('notices hard words in comments, across lines, and in messages, and leaves code alone', () => {
    const code = [
      'const stand = `nobody`; // nobody waits',
      "throw new Error('This is no error.');",
      '/**',
      ' * This is no',
      ' * error, and there is no answer; `null` stands for both.',
      ' */',
    ].join('\n');
    expect(hardWordsIn('a.ts', wordsOf(code))).toEqual([
      expect.stringContaining('a.ts:1 "nobody": '),
      expect.stringContaining('a.ts:2 "is no": '),
      expect.stringContaining('a.ts:4 "is no": '),
    ]);
  });

  it('is what comments and messages of the source are written in', () => {
    const sources = ['src/', 'sample/'].flatMap((folder) => filesOf(folder, '.ts'));
    const files = [...sources, ...filesOf('sample/', '.js'), ...filesOf('./', '.js'), '.dependency-cruiser.cjs'];
    expect(files.length).toBeGreaterThan(100);
    // Most files have none in their code either, and telling code from words takes a parser.
    const suspects = files.filter((file) => hardWordsIn(file, read(file)).length > 0);
    expect(suspects.flatMap((file) => hardWordsIn(file, wordsOf(read(file))))).toEqual([]);
  });

  it('is what scripts are written in', () => {
    const files = filesOf('.ci/', '').concat(filesOf('.github/', '.yml'));
    expect(files).toEqual(expect.arrayContaining(['.ci/run', '.github/workflows/ci.yml']));
    expect(files.flatMap((file) => hardWordsIn(file, read(file)))).toEqual([]);
  });

  it('is what the pages are written in', () => {
    const readmes = ['', 'bench/', 'neighbours/', 'nests/'].map((folder) => `test/${folder}README.md`);
    const folders = ['./', 'docs/', 'sample/', 'src/', '.github/'];
    const files = [...readmes, ...folders.flatMap((folder) => filesOf(folder, '.md'))];
    expect(files).toEqual(expect.arrayContaining(['README.md']));
    expect(files.flatMap((file) => hardWordsIn(file, proseOf(read(file))))).toEqual([]);
  });
});
