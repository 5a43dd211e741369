import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../../support/child-app.js';
import { buildFixtures } from '../../support/fixture-build.js';

const DECORATED = new URL('./fixtures/decorated.fixture.ts', import.meta.url);
const BROKEN = new URL('./fixtures/broken.fixture.ts', import.meta.url);

describe('ChildApp', () => {
  it('starts a fixture with decorators and type metadata, and captures its output', async () => {
    const child = await ChildApp.start(DECORATED, { env: { FIXTURE_WORD: 'world' } });
    const socket = connect(child.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    await expect(child.settled()).resolves.toEqual({ pid: child.pid, catchAlls: 0 });
    expect(child.exit).toBeUndefined();
    await expect(child.stop()).resolves.toEqual({ code: null, signal: 'SIGKILL' });
    expect(child.stdout).toBe('hello world undefined\n');
    expect(child.stderr).toBe('');
  });

  it.each([
    ['reject', 'unhandledRejection', 'nobody cares'],
    ['throw', 'uncaughtException', 'late'],
  ])('sees a child die of a fault: %s', async (fault, origin, text) => {
    const child = await ChildApp.start(DECORATED);
    child.tell({ fault });
    await expect(child.heard('done')).resolves.toBe(fault);
    await expect(child.settled()).resolves.toBeUndefined();
    await expect(child.exited).resolves.toEqual({ code: 1, signal: null });
    expect(child.stderr).toContain(`[child-guard] ${origin}`);
    expect(child.stderr).toContain(text);
    await expect(child.heard('anything')).resolves.toBeUndefined();
  });

  it('rejects with the output of a fixture that cannot start', async () => {
    await expect(ChildApp.start(BROKEN)).rejects.toThrow(/ended with 1 before it was ready:[^]*cannot start/);
  });

  it('gives up a fixture that never reports a port', async () => {
    const silent = new URL('../../support/child-guard.ts', import.meta.url);
    await expect(ChildApp.start(silent, { readyTimeoutMs: 5 })).rejects.toThrow('before it was ready');
  });

  it('compiles the same sources once', async () => {
    const [first, second] = await Promise.all([buildFixtures([DECORATED]), buildFixtures([DECORATED])]);
    expect(first).toEqual(second);
    expect(String(first[0])).toMatch(
      /fixture-build\/[\da-f]{16}\/test\/unit\/support\/fixtures\/decorated\.fixture\.js$/,
    );
  });
});
