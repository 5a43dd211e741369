import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pack, type Packed } from '../support/packed.js';
import { patient } from '../support/patience.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NAME = 'nestjs-plack-websocket';

/** What an entry leads to: a file, or one for each condition. */
type Targets = string | { readonly [condition: string]: Targets };

function filesOf(targets: Targets): string[] {
  return typeof targets === 'string' ? [targets] : Object.values(targets).flatMap(filesOf);
}

interface Manifest {
  readonly exports: Readonly<Record<string, Targets>>;
  readonly main: string;
  readonly types: string;
  readonly typesVersions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/**
 * An application that installed the tarball: it has what the package declares as dependencies and as required peers,
 * and nothing else. What the package imports without declaring it, and every optional peer, is missing here.
 */
let app: string;
let packed: Packed;
let manifest: Manifest;

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), `${NAME}-`));
  packed = await pack(app);

  const installed = join(app, 'node_modules', NAME);
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', packed.file, '-C', installed, '--strip-components=1']);
  manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest;
  const peers = Object.keys(manifest.peerDependencies).filter(
    (peer) => manifest.peerDependenciesMeta?.[peer]?.optional !== true,
  );
  for (const dependency of [...Object.keys(manifest.dependencies), ...peers]) await link(dependency);
  await writeFile(join(app, 'package.json'), '{ "name": "app", "private": true }\n');
}, patient(120_000));

afterAll(async () => {
  if (app !== undefined) await rm(app, { recursive: true, force: true });
});

describe('the tarball', () => {
  it('holds the build and the papers, and no test, sample or tool', () => {
    const papers = packed.paths.filter((path) => !path.startsWith('dist/'));
    expect(papers).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    expect(
      packed.paths.filter(
        (path) => path.startsWith('dist/') && !/\.(js|js\.map|d\.ts)$|^dist\/cjs\/package\.json$/.test(path),
      ),
    ).toEqual([]);
    expect(packed.paths.filter((path) => /(^|\/)(test|sample|bench)\/|spec\.|fixture\./.test(path))).toEqual([]);
  });

  it('holds every file that an entry names', () => {
    const forOldResolution = Object.values(manifest.typesVersions).flatMap((paths) => Object.values(paths).flat());
    const targets = [...filesOf(manifest.exports), manifest.main, manifest.types, ...forOldResolution];
    expect(targets.filter((target) => !packed.paths.includes(target.replace('./', '')))).toEqual([]);
  });
});

describe('an application with nothing but the required peers', () => {
  it('imports the entries', async () => {
    const loaded = await execute(
      'entries.mjs',
      `import * as main from '${NAME}';
       import * as testing from '${NAME}/testing';
       console.log(JSON.stringify({ main: Object.keys(main), testing: Object.keys(testing) }));`,
    );
    expect(loaded).toEqual({
      main: expect.arrayContaining(['PlackWebSocketModule', 'WsEndpoint', 'ConnectionRegistry']),
      testing: expect.arrayContaining(['connect']),
    });
  });

  it('requires the entries from CommonJS, and gets the classes that an import gets', async () => {
    const loaded = await execute(
      'entries.cjs',
      `const main = require('${NAME}');
       const testing = require('${NAME}/testing');
       Promise.all([import('${NAME}'), import('${NAME}/testing')]).then(([{ ...imported }, { ...importedTesting }]) => {
         const same = (a, b) => Object.keys(b).every((name) => a[name] === b[name]) && 'default' in b === false;
         console.log(JSON.stringify({
           main: Object.keys(main),
           testing: Object.keys(testing),
           same: same(main, imported) && same(testing, importedTesting),
         }));
       });`,
    );
    expect(loaded).toEqual({
      main: expect.arrayContaining(['PlackWebSocketModule', 'WsEndpoint', 'ConnectionRegistry']),
      testing: expect.arrayContaining(['connect']),
      same: true,
    });
  });

  it(
    'compiles against the declarations, with every type that they mention declared too',
    async () => {
      await link('@types/node');
      await writeFile(
        join(app, 'app.mts'),
        `import { PlackWebSocketModule } from '${NAME}';
       import { connect } from '${NAME}/testing';
       export const module = PlackWebSocketModule.forRoot({ path: '/ws' });
       export const test: (...args: Parameters<typeof connect>) => unknown = connect;\n`,
      );
      // Only our own declarations are checked: others may not compile without optional peers of theirs.
      expect(await problemsOf('app.mts')).toEqual({ checked: true, texts: [] });
    },
    patient(60_000),
  );

  it.each(['app-user.mts', 'app-user.cts'])(
    'declares the type of its user once, for connections, contexts and hooks: %s',
    async (file) => {
      await link('@types/node');
      await writeFile(
        join(app, file),
        `import { PlackWebSocketModule, type Connection, type ConnectionRegistry } from '${NAME}';
       import { fakeConnection } from '${NAME}/testing';
       declare module '${NAME}' {
         interface ApplicationTypes { user: { readonly id: number } }
       }
       export const module = PlackWebSocketModule.forRoot({
         handshake: (context) => { context.user = { id: 1 }; },
         userId: ({ user }) => user.id,
       });
       export const idsOf = (registry: ConnectionRegistry): number[] => [...registry].map(({ user }) => user.id);
       export const idOf = (connection: Connection): number => connection.user.id + connection.context.user.id;
       export const fake: Connection = fakeConnection({ user: { id: 7 } });
       // @ts-expect-error a user has a number
       export const wrong: string = fake.user.id;
       export const other = (connection: Connection<string>): string => connection.user;\n`,
      );
      expect(await problemsOf(file)).toEqual({ checked: true, texts: [] });
    },
    patient(60_000),
  );
});

describe('an application in CommonJS', () => {
  it(
    'is tested by jest with the configuration in docs/troubleshooting.md',
    async () => {
      const tools = ['jest', '@jest/globals', '@swc/core', '@swc/jest', '@nestjs/testing', '@nestjs/platform-express'];
      for (const tool of tools) await link(tool);
      await copyFile(new URL('./jest-commonjs/jest.config.cjs', import.meta.url), join(app, 'jest.config.cjs'));
      await copyFile(new URL('./jest-commonjs/echo.fixture.ts', import.meta.url), join(app, 'echo.spec.ts'));
      const { NODE_OPTIONS: _runner, ...env } = process.env;
      const { stderr } = await run(process.execPath, [join(ROOT, 'node_modules/jest/bin/jest.js')], { cwd: app, env });
      expect(stderr).toMatch(/1 passed, 1 total/);
    },
    patient(60_000),
  );
});

describe('npm start', () => {
  it(
    'builds and serves the chat with everything its page needs',
    async () => {
      // In a group of its own, so that one signal ends npm, the compiler and the sample.
      const started = spawn('npm', ['start'], {
        cwd: ROOT,
        env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', PORT: '0' },
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      const exited = once(started, 'exit');
      try {
        const url = await firstUrl(started.stdout);
        const page = await fetch(url);
        expect(page.headers.get('content-type')).toMatch('text/html');
        const references = [...(await page.text()).matchAll(/(?:href|src)="(?!https?:|data:|#)([^"]+)"/g)];
        const statuses = await Promise.all(
          references.map(async ([, path = '']) => (await fetch(new URL(path, url))).status),
        );
        expect([page.status, ...statuses]).toEqual([200, ...references.map(() => 200)]);
      } finally {
        if (started.exitCode === null && started.pid !== undefined) process.kill(-started.pid, 'SIGTERM');
        await exited;
      }
    },
    patient(120_000),
  );
});

async function firstUrl(output: NodeJS.ReadableStream): Promise<string> {
  const seen: string[] = [];
  for await (const line of createInterface({ input: output })) {
    seen.push(line);
    const url = /https?:\/\/\S+/.exec(line)?.[0];
    if (url !== undefined) {
      // What follows is read too: a full pipe would hold the program up.
      output.resume();
      return url;
    }
  }
  throw new Error(`npm start ended without a URL:\n${seen.join('\n')}`);
}

async function link(dependency: string): Promise<void> {
  const target = join(app, 'node_modules', dependency);
  await mkdir(dirname(target), { recursive: true });
  await symlink(join(ROOT, 'node_modules', dependency), target, 'dir').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** What the compiler says of a file of the application and of our declarations. */
function problemsOf(file: string): Promise<unknown> {
  return execute(
    'check.cjs',
    `const ts = require(${JSON.stringify(join(ROOT, 'node_modules/typescript'))});
     const program = ts.createProgram([${JSON.stringify(file)}], {
       strict: true,
       noEmit: true,
       target: ts.ScriptTarget.ES2023,
       module: ts.ModuleKind.NodeNext,
       types: ['node'],
     });
     const ours = program.getSourceFiles().filter(({ fileName }) => fileName.endsWith(${JSON.stringify(file)}) || /${NAME}\\/dist/.test(fileName));
     const diagnostics = ours.flatMap((file) => [
       ...program.getSyntacticDiagnostics(file),
       ...program.getSemanticDiagnostics(file),
     ]);
     const texts = diagnostics.map(({ file, messageText }) =>
       file.fileName + ': ' + ts.flattenDiagnosticMessageText(messageText, ' '));
     console.log(JSON.stringify({ checked: ours.length > 2, texts }));`,
  );
}

/** Runs a program of the application with plain Node and parses what it prints. */
async function execute(file: string, program: string): Promise<unknown> {
  await writeFile(join(app, file), program);
  const { NODE_OPTIONS: _runner, ...env } = process.env;
  const { stdout } = await run(process.execPath, [file], { cwd: app, env });
  return JSON.parse(stdout);
}
