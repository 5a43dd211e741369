import { describe, expect, it } from '@jest/globals';
import type { QueuedClient } from '../../src/testing.js';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { nestHas } from '../support/nest-features.js';
import { patient } from '../support/patience.js';
import { OPCODE } from '../support/raw-frame.js';
import { RawPeer } from '../support/raw-peer.js';

const FIXTURE = new URL('./shutdown-signal.fixture.ts', import.meta.url);
// A slow machine needs its time to start an application.
const TIMEOUT_MS = patient(30_000);

async function join(child: ChildApp): Promise<QueuedClient> {
  const client = await connect(new URL(`http://127.0.0.1:${child.port}`), '/ws/room');
  await client.send('hello');
  await client.next();
  return client;
}

/** What `useProcessExit` makes of a signal. */
const EXIT = nestHas('processExit') ? { code: 0, signal: null } : { code: null, signal: 'SIGTERM' };

function start(env: Readonly<Record<string, string>> = {}): Promise<ChildApp> {
  return ChildApp.start(FIXTURE, { env: { PROCESS_EXIT: '1', ...env } });
}

describe('a process that is told to stop', () => {
  it.each([{}, { FORCE_CLOSE: '1' }])(
    'closes its clients with 1001, waits for @OnFinish and exits as it is asked to (%o)',
    async (env) => {
      await using child = await start(env);
      const clients = [await join(child), await join(child)];
      child.kill('SIGTERM');
      for (const client of clients) expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
      expect(await child.exited).toEqual(EXIT);
      expect(child.stdout.trim().split('\n')).toEqual(['written: left', 'written: left', 'database closed']);
      expect(child.stderr).toBe('');
    },
    TIMEOUT_MS,
  );

  it(
    'ends by that signal where Nest is not asked for an exit code, after the same goodbye',
    async () => {
      await using child = await start({ PROCESS_EXIT: '0' });
      const client = await join(child);
      child.kill('SIGTERM');
      expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
      expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
      expect(child.stdout.trim().split('\n')).toEqual(['written: left', 'database closed']);
    },
    TIMEOUT_MS,
  );

  it(
    'does not wait for ever for a client that does not answer',
    async () => {
      await using child = await start();
      await using peer = await RawPeer.open(child.port);
      await peer.upgrade({ path: '/ws/room' });
      child.kill('SIGTERM');
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 1001 });
      expect(await child.exited).toEqual(EXIT);
      expect(child.stdout).toContain('written: left\ndatabase closed');
    },
    TIMEOUT_MS,
  );
});
