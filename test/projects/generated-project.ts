import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plainEnvironment } from '../support/plain-environment.js';

const run = promisify(execFile);

/** What an application of a reader has in addition: an endpoint, a guard, a controller, and tests of them. */
const FILES = fileURLToPath(new URL('./files/', import.meta.url));

/** A program of the project that serves. */
export interface Serving {
  readonly url: URL;
  /** Ends it with SIGTERM; gives what it had written to stderr. */
  stop(): Promise<string>;
}

/** A project as `nest new` of one major of `@nestjs/cli` makes it, with the packed library installed. */
export class GeneratedProject {
  readonly #serving = new Set<Serving>();

  static async generate(cli: number, tarball: string): Promise<GeneratedProject> {
    const parent = await mkdtemp(join(tmpdir(), `nest-${cli}-`));
    const project = new GeneratedProject(cli, join(parent, 'app'), parent);
    const maker = ['--yes', '--package', `@nestjs/cli@${cli}`, '--', 'nest', 'new', 'app'];
    await project.#run('npx', [...maker, '--skip-git', '--package-manager', 'npm'], parent);
    await project.run('npm', 'install', '--no-audit', '--no-fund', tarball);
    await project.#addFiles();
    return project;
  }

  private constructor(
    readonly cli: number,
    readonly folder: string,
    private readonly parent: string,
  ) {}

  /** Nest 12 is made for ES modules, and so are its projects. */
  get isEsm(): boolean {
    return this.cli >= 12;
  }

  /** Runs a program in the project; rejects with everything that it wrote if it fails. */
  run(program: string, ...args: readonly string[]): Promise<string> {
    return this.#run(program, args, this.folder);
  }

  /** Runs one of the project's own scripts. */
  script(name: string): Promise<string> {
    return this.run('npm', 'run', '--silent', name);
  }

  async versionOf(dependency: string): Promise<string> {
    const manifest = await readFile(join(this.folder, 'node_modules', dependency, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  }

  write(path: string, text: string): Promise<void> {
    return writeFile(join(this.folder, path), text);
  }

  remove(path: string): Promise<void> {
    return rm(join(this.folder, path), { recursive: true, force: true });
  }

  /** Starts a file of the project and waits for the line in which it says where it serves. */
  async serve(file: string): Promise<Serving> {
    const child = spawn(process.execPath, [file], {
      cwd: this.folder,
      env: { ...plainEnvironment(), NO_COLOR: '1', PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    const written: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => written.push(text));
    const serving: Serving = {
      url: await new Promise((resolve, reject) => {
        child.once('exit', () => reject(new Error(`${file} did not serve:\n${written.join('')}`)));
        createInterface({ input: child.stdout }).on('line', (line) => {
          const port = /^serves http:.*:(\d+)$/.exec(line)?.[1];
          if (port !== undefined) resolve(new URL(`http://localhost:${port}`));
        });
      }),
      stop: async () => {
        this.#serving.delete(serving);
        child.kill('SIGTERM');
        await exited;
        return written.join('');
      },
    };
    this.#serving.add(serving);
    return serving;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#serving].map((serving) => serving.stop()));
    await rm(this.parent, { recursive: true, force: true });
  }

  async #run(program: string, args: readonly string[], cwd: string): Promise<string> {
    try {
      const { stdout, stderr } = await run(program, args, {
        cwd,
        env: { ...plainEnvironment(), NO_COLOR: '1', CI: '1' },
      });
      return stdout + stderr;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
    }
  }

  /** The files are written for ES modules; the projects of older Nests import without the end of the name. */
  async #addFiles(): Promise<void> {
    await cp(FILES, this.folder, { recursive: true });
    if (this.isEsm) return;
    for (const path of await readdir(FILES, { recursive: true })) {
      if (!path.endsWith('.ts')) continue;
      const code = await readFile(join(FILES, path), 'utf8');
      await this.write(path, code.replaceAll(/(from '\.[^']*)\.js'/g, "$1'"));
    }
  }
}
