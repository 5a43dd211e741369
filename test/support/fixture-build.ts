import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform, version, type Options } from '@swc/core';
import { NEST } from './nest-version.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Where the packages are that the tests run with: those of an older Nest lie in a folder of their own. */
const PACKAGES = join(ROOT, NEST === undefined ? 'node_modules' : `test/nests/${NEST}/node_modules`);
// Below them, so that the compiled files find the same packages as their sources do.
const CACHE = join(PACKAGES, '.cache/fixture-build');
const KEPT_MS = 60 * 60 * 1000;

const SWC_OPTIONS: Options = {
  swcrc: false,
  configFile: false,
  module: { type: 'es6' },
  sourceMaps: 'inline',
  jsc: {
    target: 'es2022',
    keepClassNames: true,
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
  },
};

/**
 * Compiles TypeScript files, with everything of this project that they import, to ES modules that plain `node` runs:
 * no build, no loader, decorators and their metadata as in the tests. The result is kept by the content of the sources,
 * so that test files, workers and later runs share one compilation.
 *
 * @returns the compiled files, in the order of the entries.
 */
export async function buildFixtures(entries: readonly URL[]): Promise<URL[]> {
  const entryFiles = entries.map((entry) => fileURLToPath(entry));
  const sources = await sourcesOf(entryFiles);
  const hash = createHash('sha256').update(version).update(JSON.stringify(SWC_OPTIONS));
  for (const [file, code] of [...sources].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`\0${relative(ROOT, file)}\0`).update(code);
  }
  const target = join(CACHE, hash.digest('hex').slice(0, 16));
  // What is in use must look young to a worker that tidies up.
  if (existsSync(target)) await utimes(target, new Date(), new Date());
  else await compile(sources, target);
  return entryFiles.map((file) => pathToFileURL(compiledPath(target, file)));
}

/** The files and all TypeScript files that they reach through relative imports. */
async function sourcesOf(entries: readonly string[]): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (sources.has(file)) continue;
    const code = await readFile(file, 'utf8');
    sources.set(file, code);
    for (const [, specifier = ''] of code.matchAll(/\b(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)\.js'/g)) {
      const imported = resolve(dirname(file), `${specifier}.ts`);
      if (existsSync(imported)) open.push(imported);
    }
  }
  return sources;
}

async function compile(sources: ReadonlyMap<string, string>, target: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  await removeOutdated();
  const draft = await mkdtemp(join(CACHE, 'draft-'));
  // Without it, files below node_modules are CommonJS.
  await writeFile(join(draft, 'package.json'), '{"type":"module"}\n');
  await Promise.all(
    [...sources].map(async ([file, code]) => {
      const output = await transform(code, { ...SWC_OPTIONS, filename: file });
      const path = compiledPath(draft, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, output.code);
    }),
  );
  try {
    await rename(draft, target);
  } catch (error) {
    // Another worker was faster with the same sources.
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
}

async function removeOutdated(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const path = join(CACHE, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}

function compiledPath(target: string, file: string): string {
  return join(target, relative(ROOT, file).replace(/\.ts$/, '.js'));
}
