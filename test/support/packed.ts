import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plainEnvironment } from './plain-environment.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The library as npm would publish it. */
export interface Packed {
  /** The tarball. */
  readonly file: string;
  readonly bytes: number;
  /** What is in it, sorted. */
  readonly paths: readonly string[];
}

/** Packs the library into a folder, and builds it before if a source is newer than the build. */
export async function pack(folder: string): Promise<Packed> {
  await buildUnlessFresh();
  const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  // The dry run of `npm publish` is for its children too, and then nothing would be written.
  const { stdout } = await run('npm', packing, { cwd: ROOT, env: plainEnvironment() });
  const [tarball] = JSON.parse(stdout) as [{ filename: string; size: number; files: { path: string }[] }];
  return {
    file: join(folder, tarball.filename),
    bytes: tarball.size,
    paths: tarball.files.map(({ path }) => path).sort(),
  };
}

/** A build that is older than a source would prove something about yesterday's package. */
async function buildUnlessFresh(): Promise<void> {
  const built = await modifiedMs(join(ROOT, 'dist/cjs/package.json'));
  const sources = await readdir(join(ROOT, 'src'), { recursive: true });
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.cjs.json'];
  const inputs = [...settings, ...sources.map((file) => join('src', file))];
  const changed = await Promise.all(inputs.map(async (file) => modifiedMs(join(ROOT, file))));
  if (Math.max(...changed) > built) await run('npm', ['run', '--silent', 'build'], { cwd: ROOT });
}

async function modifiedMs(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
