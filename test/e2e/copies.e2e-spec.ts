import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { buildFixtures } from '../support/fixture-build.js';

const APP = new URL('./copies/app.fixture.ts', import.meta.url);
const FEATURE = new URL('./copies/feature.fixture.ts', import.meta.url);
const THIS_COPY = 'src/websocket/copies/this-copy.js';

/** The application's copy of the library, and two that a package brings along: of the same version and of another one. */
let own: string;
let same: string;
let other: string;

beforeAll(async () => {
  const [app] = await buildFixtures([APP, FEATURE]);
  own = fileURLToPath(new URL('../../..', String(app))).replace(/\/$/, '');
  same = await mkdtemp(join(dirname(own), 'copy-'));
  other = await mkdtemp(join(dirname(own), 'copy-'));
  await cp(own, same, { recursive: true });
  await cp(own, other, { recursive: true });
  const file = join(other, THIS_COPY);
  const code = await readFile(file, 'utf8');
  await writeFile(file, code.replace(/VERSION = '[^']+'/, "VERSION = '99.0.0'"));
});

afterAll(() => Promise.all([same, other].map((folder) => rm(folder, { recursive: true, force: true }))));

function start(copy: string, way: string): Promise<ChildApp> {
  const feature = pathToFileURL(join(copy, 'test/e2e/copies/feature.fixture.js'));
  return ChildApp.run(pathToFileURL(join(own, 'test/e2e/copies/app.fixture.js')), {
    env: { FEATURE: feature.href, TAKES_PART: way },
  });
}

async function bootError(copy: string, way: string): Promise<string> {
  return start(copy, way).then(
    () => 'It has started.',
    (error: unknown) => String(error),
  );
}

describe('a package with a copy of the same version', () => {
  it('has endpoints whose parameters, errors and results are those of the application', async () => {
    await using child = await start(same, 'both');
    const origin = new URL(`http://127.0.0.1:${child.port}`);
    const client = await connect(origin, '/ws/feature');
    expect(await client.nextJson()).toEqual(['/ws/feature', true, 'a result']);
    void client.send({ event: 'who', data: 'a message' });
    expect(await client.nextJson()).toEqual({ event: 'who', data: [true, true, 'a message'] });
    void client.send(Buffer.from('bytes'));
    expect(await client.closed()).toMatchObject({ code: 1003 });
    expect(await child.heard('left')).toEqual([true, 1003, 'closed']);
  });

  it('has services that reach the connections of the application', async () => {
    await using child = await start(same, 'service');
    const origin = new URL(`http://127.0.0.1:${child.port}`);
    const client = await connect(origin, '/ws/own');
    expect(await (await fetch(new URL('/tell', origin))).json()).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect(await client.nextJson()).toEqual({ event: 'told' });
  });

  it.each(['endpoint', 'service', 'both'])('is named in one warning, with both folders: %s', async (way) => {
    await using child = await start(same, way);
    await child.settled();
    const lines = (child.stdout + child.stderr).split('\n').filter((line) => line.includes('two copies'));
    expect(lines).toEqual([expect.stringContaining(own)]);
    expect(lines).toEqual([expect.stringContaining(same)]);
  });

  it('stops the boot if it brings the module a second time', async () => {
    const error = await bootError(same, 'module');
    expect(error).toMatch(/ConfigurationError: PlackWebSocketModule is imported twice/);
    expect([error.includes(own), error.includes(same)]).toEqual([true, true]);
  });

  it('is of no interest if nothing of it takes part', async () => {
    await using child = await start(same, 'nothing');
    await child.settled();
    expect(child.stdout + child.stderr).toBe('');
  });
});

describe('a package with a copy of another version', () => {
  it.each(['endpoint', 'service', 'both', 'module'])('stops the boot, with both folders named: %s', async (way) => {
    const error = await bootError(other, way);
    expect(error).toContain('ConfigurationError: ');
    expect(error).toMatch(/99\.0\.0/);
    expect([error.includes(own), error.includes(other)]).toEqual([true, true]);
  });

  it('is of no interest if nothing of it takes part', async () => {
    await using child = await start(other, 'nothing');
    await child.settled();
    expect(child.stdout + child.stderr).toBe('');
  });
});
