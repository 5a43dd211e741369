import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import type Webpack from 'webpack';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { buildFixtures } from '../support/fixture-build.js';
import { NEST } from '../support/nest-version.js';
import { patient } from '../support/patience.js';

// An import would read all of its exports, and those that are deprecated say so.
const webpack = createRequire(import.meta.url)('webpack') as typeof Webpack;

/** What Nest loads only where it is used. */
const NOT_INSTALLED = ['@nestjs/microservices', '@nestjs/platform-socket.io', 'class-transformer', 'class-validator'];

type Bundler = (entry: string, target: string) => Promise<void>;

const esbuild: Bundler = async (entry, target) => {
  await build({
    entryPoints: [entry],
    outfile: target,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    external: NOT_INSTALLED,
    // What is CommonJS in the bundle requires the modules of Node.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
};

const productionWebpack: Bundler = async (entry, target) => {
  const compiler = webpack({
    mode: 'production',
    target: 'node20',
    entry,
    output: { path: dirname(target), filename: basename(target), module: true, chunkFormat: 'module' },
    experiments: { outputModule: true },
    // Loaded where it is used (older Nests use `require`), or a bundle of webpack would not even begin.
    externalsType: NEST === undefined ? 'import' : 'node-commonjs',
    externals: NOT_INSTALLED.map((name) => new RegExp(`^${name}(/|$)`)),
    performance: false,
  });
  await new Promise<void>((resolve, reject) => {
    compiler.run((error, stats) => {
      if (error !== null) reject(error);
      else if (stats?.hasErrors() === true) reject(new Error(stats.toString({ all: false, errors: true })));
      else compiler.close((fault) => (fault == null ? resolve() : reject(fault)));
    });
  });
};

const NAMES = /class (UnknownElementException|Handshake|Rooms|ConnectionRegistry)\b/;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each<[string, Bundler]>([
  ['esbuild, minified', esbuild],
  ['webpack, for production', productionWebpack],
])('an application bundled by %s', (name, bundle) => {
  let app: ChildApp;
  let origin: URL;
  beforeAll(async () => {
    const target = join(folder, `${name.split(',', 1)[0]}.mjs`);
    const [entry] = await buildFixtures([new URL('./bundled.fixture.ts', import.meta.url)]);
    await bundle(fileURLToPath(String(entry)), target);
    app = await ChildApp.run(pathToFileURL(target));
    origin = new URL(`http://127.0.0.1:${app.port}`);
  }, patient(120_000));

  // Among the modules of Nest 10 webpack keeps the names of ours.
  const namesOf = NEST === '10' && name.startsWith('webpack') ? /class UnknownElementException\b/ : NAMES;

  it('has classes whose names say nothing', async () => {
    const code = await readFile(join(folder, `${name.split(',', 1)[0]}.mjs`), 'utf8');
    expect(code.match(namesOf)).toBeNull();
  });

  it('builds hooks that no module provides, and serves', async () => {
    const client = await connect(origin, '/ws/rooms/7?name=ada');
    expect(await client.next()).toBe('ADA IN NUMBER 7');
    void client.send('hello');
    expect(await client.next()).toBe('HELLO TO 1 AND 0');
    await client.close();
  });

  it('knows errors and endpoints by their classes', async () => {
    const client = await connect(origin, '/ws/rooms/7?name=ada');
    expect(await client.next()).toBe('ADA IN NUMBER 7');
    for (const text of ['oops', 'forbidden']) void client.send(text);
    expect([await client.next(), await client.next()]).toEqual(['AN OOPS', 'SOMETHING ELSE']);
    const other = await connect(origin, '/ws/others?name=bob');
    void other.send('hello');
    expect(await other.next()).toBe('hello');
    void client.send('hello');
    expect(await client.next()).toBe('HELLO TO 1 AND 1');
    await client.close();
    await other.close();
  });

  it('refuses with the status of each reason', async () => {
    await expect(connect(origin, '/ws/rooms/7')).rejects.toMatchObject({ status: 401, body: 'refused: unauthorized' });
    await expect(connect(origin, '/ws/rooms/x?name=ada')).rejects.toMatchObject({ status: 400 });
    await expect(connect(origin, '/ws/nothing?name=ada')).rejects.toMatchObject({ status: 404 });
  });

  it('stops with 1001, and had nothing to say', async () => {
    const client = await connect(origin, '/ws/others?name=ada');
    app.kill('SIGTERM');
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    await app.exited;
    expect(app.stderr).toBe('');
  });
});
