import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '../support/connect.js';
import { Journal } from '../support/journal.js';
import { pack } from '../support/packed.js';
import { patient } from '../support/patience.js';
import { plainEnvironment } from '../support/plain-environment.js';
import { freePort } from '../support/program.js';
import { RawPeer } from '../support/raw-peer.js';

const run = promisify(execFile);
const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const NAME = 'nestjs-plack-websocket';
const TIMEOUT_MS = patient(120_000);

/** A grace time for development, as the sample 01-chat has it. */
const MAIN = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnMessage, PlackWebSocketModule, WsEndpoint } from '${NAME}';

@WsEndpoint('room')
class Room {
  @OnMessage()
  say(text: string): string | Promise<string> {
    return text === 'hang' ? new Promise(() => undefined) : text;
  }
}

@Module({ imports: [PlackWebSocketModule.forRoot({ shutdown: { graceMs: 200 } })], providers: [Room] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT']), '127.0.0.1');
console.log('serves', process.pid);
`;

const CONFIG = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    outDir: 'dist',
    rootDir: 'src',
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  },
  include: ['src'],
};

let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), `${NAME}-watch-`));
  const modules = join(project, 'node_modules');
  await mkdir(join(modules, NAME), { recursive: true });
  await mkdir(join(project, 'src'));
  const { file } = await pack(project);
  await run('tar', ['-xzf', file, '-C', join(modules, NAME), '--strip-components=1']);
  for (const name of await readdir(MODULES)) {
    if (!name.startsWith('.')) await symlink(join(MODULES, name), join(modules, name), 'dir');
  }
  await writeFile(join(project, 'package.json'), '{ "name": "watched", "type": "module", "private": true }\n');
  await writeFile(join(project, 'nest-cli.json'), '{ "sourceRoot": "src" }\n');
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(CONFIG));
  await writeFile(join(project, 'src/main.ts'), MAIN);
}, TIMEOUT_MS);

afterAll(async () => {
  if (project !== undefined) await rm(project, { recursive: true, force: true });
});

/** A program that starts the application again when a file is saved. */
class Watcher {
  readonly starts = new Journal();
  readonly port: number;
  readonly #child: ChildProcess;
  #written = '';

  constructor(port: number, args: readonly string[]) {
    this.port = port;
    // A group of its own: what it starts has to end with it.
    this.#child = spawn(process.execPath, args, {
      cwd: project,
      detached: true,
      env: { ...plainEnvironment(), NO_COLOR: '1', PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#written += text;
        for (const [, id = ''] of text.matchAll(/^serves (\d+)$/gm)) this.starts.add(id);
      });
    }
  }

  get written(): string {
    return this.#written;
  }

  async end(): Promise<void> {
    const exited = once(this.#child, 'exit');
    process.kill(-Number(this.#child.pid), 'SIGKILL');
    await exited;
  }
}

let watcher: Watcher | undefined;
afterEach(async () => {
  await watcher?.end();
  watcher = undefined;
});

/** Saves a file and asks the application that is there then; gives what the first one told of its end. */
async function save(watched: Watcher, file: string): Promise<string> {
  const before = watched.written.length;
  await appendFile(join(project, file), '// saved\n');
  await watched.starts.next(patient(30_000));
  const client = await connect(new URL(`http://127.0.0.1:${watched.port}`), '/ws/room');
  void client.send('hello');
  expect(await client.next()).toBe('hello');
  await client.close();
  return watched.written.slice(before);
}

describe.each([
  ['nest start --watch', 'src/main.ts', [join(MODULES, '@nestjs/cli/bin/nest.js'), 'start', '--watch']],
  // It watches what the first one has compiled.
  ['node --watch', 'dist/main.js', ['--watch', 'dist/main.js']],
])('%s', (_name, file, args) => {
  it(
    'serves again when a file is saved, beside a page that is asleep and a handler that never settles',
    async () => {
      watcher = new Watcher(await freePort(), args);
      await watcher.starts.next(patient(60_000));
      await using asleep = await RawPeer.open(watcher.port);
      await asleep.upgrade({ path: '/ws/room' });
      expect(await save(watcher, file)).not.toContain('EADDRINUSE');

      const client = await connect(new URL(`http://127.0.0.1:${watcher.port}`), '/ws/room');
      await client.send('hang');
      const told = await save(watcher, file);
      expect(told).not.toContain('EADDRINUSE');
      expect(told).toContain('The shutdown gives up handlers of connections that are over (1 in Room.say)');
      expect(await client.closed()).toMatchObject({ code: 1001 });
    },
    TIMEOUT_MS,
  );
});
