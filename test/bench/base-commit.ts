import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BUILD_ENTRY = join('dist', 'index.js');
const BUILD_TIMEOUT_MS = 300_000;

/** Another commit, in a worktree of its own that goes away with it. */
export class BaseCommit {
  /** The full name of the commit. */
  readonly commit: string;
  readonly libraryUrl: string;
  readonly #root: string;
  readonly #directory: string;
  readonly #stop = new AbortController();
  #removal: Promise<void> | undefined;

  private constructor(root: string, directory: string, commit: string) {
    this.#root = root;
    this.#directory = directory;
    this.commit = commit;
    this.libraryUrl = libraryUrlIn(directory);
  }

  /** @throws when there is no such commit. */
  static async checkOut(root: string, name: string): Promise<BaseCommit> {
    const { stdout } = await run('git', ['rev-parse', '--verify', `${name}^{commit}`], { cwd: root });
    const commit = stdout.trim();
    const directory = join(await mkdtemp(join(tmpdir(), 'bench-base-')), 'tree');
    await run('git', ['worktree', 'add', '--detach', directory, commit], { cwd: root });
    return new BaseCommit(root, directory, commit);
  }

  /** @throws when the commit does not build. */
  async build(): Promise<void> {
    // The dependencies of today, for both: what differs between the contenders shall be our own code.
    await symlink(join(this.#root, 'node_modules'), join(this.#directory, 'node_modules'), 'dir');
    await run('npm', ['run', 'build'], { cwd: this.#directory, timeout: BUILD_TIMEOUT_MS, signal: this.#stop.signal });
    if (!existsSync(join(this.#directory, BUILD_ENTRY))) throw new Error(`${this.commit} builds no ${BUILD_ENTRY}`);
  }

  /** Also in the middle of a build; the second call waits for the first. */
  async remove(): Promise<void> {
    this.#stop.abort();
    this.#removal ??= this.#removeTree();
    await this.#removal;
  }

  async #removeTree(): Promise<void> {
    await run('git', ['worktree', 'remove', '--force', this.#directory], { cwd: this.#root });
    await rm(dirname(this.#directory), { recursive: true, force: true });
  }
}

/** The build of the tree in `directory`, by path: a name would always mean the tree of the bench itself. */
export function libraryUrlIn(directory: string): string {
  return pathToFileURL(join(directory, BUILD_ENTRY)).href;
}
