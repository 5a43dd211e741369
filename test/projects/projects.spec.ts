import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { build } from 'esbuild';
import { connect } from '../support/connect.js';
import { pack } from '../support/packed.js';
import { patient } from '../support/patience.js';
import { GeneratedProject, type Serving } from './generated-project.js';

jest.setTimeout(patient(120_000));

const FAST = process.env['PROJECTS'] === 'fast';
/** Each major of the CLI makes projects of its own Nest. */
const CLIS = FAST ? [11] : [10, 11, 12];
/** The Nodes that load the package with `import` and `require`; test/package does so on those of .ci/run. */
const NODES = FAST ? [22] : [20, 22, 24, 26];

/** Compilers, by the name they are installed under, with the resolutions that each of them knows. */
const COMPILERS: readonly (readonly [alias: string, version: string, resolutions: readonly string[]])[] = [
  ['typescript-5.4', '~5.4.0', ['node10', 'node16', 'nodenext', 'bundler']],
  // The last one that resolves as Node 10 did.
  ['typescript-6', '^6.0.0', ['node10']],
  ['typescript-newest', 'latest', ['node16', 'nodenext', 'bundler']],
];
const COMPILATIONS = COMPILERS.filter(([alias]) => !FAST || alias !== 'typescript-6').flatMap(
  ([alias, , resolutions]) => resolutions.map((resolution) => [alias, resolution] as const),
);
const MODULES: Readonly<Record<string, string>> = { node10: 'commonjs', bundler: 'esnext' };

/** What is CommonJS in an ES module requires the modules of Node. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** What Nest loads only where it is used. */
const NOT_INSTALLED = ['@nestjs/microservices', '@nestjs/platform-socket.io', 'class-transformer', 'class-validator'];

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'projects-'));
  tarball = (await pack(folder)).file;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(CLIS)('a project made by @nestjs/cli %i, with the tarball installed', (cli) => {
  let project: GeneratedProject;

  beforeAll(async () => {
    project = await GeneratedProject.generate(cli, tarball);
  }, patient(300_000));

  afterAll(() => project?.dispose());

  it('has the Nest of its CLI, and the @nestjs/websockets that belongs to it', async () => {
    for (const name of ['@nestjs/core', '@nestjs/websockets']) {
      expect(await project.versionOf(name)).toMatch(new RegExp(`^${cli}\\.`));
    }
  });

  it('passes its unit tests and its tests over a real socket', async () => {
    expect(await project.script('test')).toMatch(/Tests:? +2 passed/);
    expect(await project.script('test:e2e')).toMatch(/Tests:? +3 passed/);
  });

  describe('built by nest build', () => {
    beforeAll(() => project.script('build'));

    it('serves with node dist/main', async () => {
      expect(await play(await project.serve('dist/main'))).toEqual(PLAYED);
    });

    it.each(['external', 'bundle'] as const)(
      'serves as a bundle of esbuild, --packages=%s --minify',
      async (packages) => {
        const bundle = `bundled/${packages}.${project.isEsm ? 'mjs' : 'cjs'}`;
        await build({
          absWorkingDir: project.folder,
          entryPoints: ['dist/main.js'],
          outfile: bundle,
          bundle: true,
          packages,
          minify: true,
          platform: 'node',
          format: project.isEsm ? 'esm' : 'cjs',
          external: NOT_INSTALLED,
          ...(project.isEsm && { banner: { js: REQUIRE } }),
          logLevel: 'silent',
        });
        expect(await play(await project.serve(bundle))).toEqual(PLAYED);
      },
    );
  });

  it('serves as a bundle of its own CLI', async () => {
    await project.remove('dist');
    if (project.isEsm) {
      // What this CLI says to install; its webpack does not bundle ES modules.
      const bundler = ['@rspack/core', 'webpack-node-externals', 'tsconfig-paths-webpack-plugin'];
      await project.run('npm', 'install', '--no-audit', '--no-fund', '--save-dev', ...bundler);
    }
    await project.run('npx', 'nest', 'build', '--builder', project.isEsm ? 'rspack' : 'webpack');
    expect(await play(await project.serve('dist/main.js'))).toEqual(PLAYED);
  });

  describe('without skipLibCheck', () => {
    beforeAll(async () => {
      const aliases = COMPILERS.map(([alias, version]) => `${alias}@npm:typescript@${version}`);
      await project.run('npm', 'install', '--no-audit', '--no-fund', '--save-dev', ...aliases);
    });

    it.each(COMPILATIONS)('is compiled by %s with moduleResolution %s', async (compiler, resolution) => {
      const compilerOptions = {
        module: MODULES[resolution] ?? resolution,
        moduleResolution: resolution,
        ...(compiler === 'typescript-6' && { ignoreDeprecations: '6.0' }),
        target: 'es2022',
        lib: ['es2023'],
        types: ['node'],
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        // The projects of the oldest CLI are without it.
        ...(resolution !== 'node10' && { esModuleInterop: true }),
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      };
      const files = ['src/main.ts', 'test/client.ts'];
      await project.write('tsconfig.check.json', JSON.stringify({ compilerOptions, files }));
      const tsc = `node_modules/${compiler}/bin/tsc`;
      expect(await project.run('node', tsc, '--project', 'tsconfig.check.json')).toBe('');
    });
  });

  it.each(NODES)('gets one copy by import and require together, on Node %i', async (version) => {
    await project.write(
      'both.cjs',
      `const required = [require('nestjs-plack-websocket'), require('nestjs-plack-websocket/testing')];
       Promise.all([import('nestjs-plack-websocket'), import('nestjs-plack-websocket/testing')]).then((imported) => {
         const names = imported.flatMap((entry) => Object.keys(entry));
         const twice = imported.flatMap((entry, at) => Object.keys(entry).filter((name) => entry[name] !== required[at][name]));
         console.log(process.version, names.includes('WsEndpoint') && names.includes('connect'), JSON.stringify(twice));
       });`,
    );
    const node = ['--yes', '--package', `node@${version}`, '--', 'node'];
    expect(await project.run('npx', ...node, 'both.cjs')).toMatch(new RegExp(`^v${version}\\.\\S+ true \\[\\]\\n$`));
  });
});

/** Talks to an application, and ends it. */
async function play(serving: Serving): Promise<object> {
  const statusOf = async (path: string): Promise<unknown> =>
    connect(serving.url, path).then(
      () => 101,
      (error: { status?: number }) => error.status,
    );
  const refused = [await statusOf('/ws/rooms/7'), await statusOf('/ws/rooms/seven?token=secret')];
  const client = await connect(serving.url, '/ws/rooms/7?token=secret');
  const heard = [await client.nextJson()];
  void client.send({ event: 'say', data: 'hello', id: 1 });
  heard.push(await client.nextJson());
  const controller = await (await fetch(new URL('/rooms/7', serving.url))).json();
  heard.push(await client.nextJson());
  const stopped = serving.stop();
  return { refused, heard, controller, closed: await client.closed(), stderr: await stopped };
}

const PLAYED = {
  refused: [403, 400],
  heard: [
    { event: 'welcome', data: { room: 7, text: 'Hello World!' } },
    { event: 'say', data: 'you said hello', id: 1 },
    { event: 'counted', data: 1 },
  ],
  controller: { size: 1 },
  closed: expect.objectContaining({ code: 1001, clean: true }),
  stderr: '',
};
