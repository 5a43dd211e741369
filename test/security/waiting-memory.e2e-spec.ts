import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import type { Held } from '../support/memory-probe.js';
import { patient } from '../support/patience.js';
import { text } from '../support/raw-frame.js';
import { RawPeer } from '../support/raw-peer.js';
import { afterTest } from '../support/start-app.js';

const FIXTURE = new URL('./waiting-memory.fixture.ts', import.meta.url);
const KIB = 1024;
const MIB = 1024 * KIB;

async function heldBy(child: ChildApp, name: string): Promise<number> {
  child.tell({ count: name });
  const { heapUsed, arrayBuffers } = (await child.heard(name)) as Held;
  return heapUsed + arrayBuffers;
}

async function open(child: ChildApp, path: string): Promise<RawPeer> {
  const peer = await RawPeer.open(child.port, { timeoutMs: patient(10_000) });
  afterTest(() => peer[Symbol.asyncDispose]());
  expect((await peer.upgrade({ path })).status).toBe(101);
  return peer;
}

describe('what waits for a slow peer', () => {
  it.each<[string, { readonly length: number; readonly asAudience: boolean; readonly most: number }]>([
    ['replies of 20 characters', { length: 20, asAudience: false, most: 1.6 * MIB }],
    ['replies of 100 characters', { length: 100, asAudience: false, most: 1.6 * MIB }],
    ['replies of 9,000 characters', { length: 9_000, asAudience: false, most: 1.3 * MIB }],
    ['messages of audiences of 100 characters', { length: 100, asAudience: true, most: 1.6 * MIB }],
  ])(
    'costs about what is counted, whatever others are sent meanwhile: %s',
    async (_what, { length, asAudience, most }) => {
      await using child = await ChildApp.start(FIXTURE);
      const slow = await Promise.all(Array.from({ length: 4 }, () => open(child, '/ws/feed?as=slow')));
      for (const peer of slow) peer.pause();
      const other = await open(child, '/ws/feed?as=other');
      other.socket.removeAllListeners('data').on('data', () => undefined);
      child.tell({ clogged: true });
      await child.heard('clogged');
      const before = await heldBy(child, 'before');
      child.tell({ length, asAudience });
      await child.heard('filled');
      expect(((await heldBy(child, 'after')) - before) / slow.length).toBeLessThan(most);
    },
    patient(60_000),
  );
});

describe('a process with a heap of 64 MB, with the defaults', () => {
  const start = (): Promise<ChildApp> => ChildApp.start(FIXTURE, { env: { NODE_OPTIONS: '--max-old-space-size=64' } });

  const answerOf = async (child: ChildApp): Promise<string> => {
    const peer = await open(child, '/ws/feed?as=other');
    await peer.writeRaw(text('still there'));
    return (await peer.nextFrame()).text;
  };

  it(
    'survives 200 peers that do not read, and a message for each',
    async () => {
      await using child = await start();
      const peers = await Promise.all(Array.from({ length: 200 }, () => open(child, '/ws/feed?as=slow')));
      for (const peer of peers) peer.pause();
      for (let round = 0; round < 3; round++) child.tell({ sendEach: MIB });
      await child.heard('sent');
      await child.settled();
      expect(await answerOf(child)).toBe('still there');
    },
    patient(60_000),
  );

  it(
    'survives 100 peers that send to a handler that is never done, each within its bounds',
    async () => {
      await using child = await start();
      const peers = await Promise.all(Array.from({ length: 100 }, () => open(child, '/ws/work')));
      const message = text('x'.repeat(60 * KIB));
      for (const peer of peers) for (let i = 0; i < 17; i++) peer.socket.write(message);
      for (let quiet = 0, left = -1; quiet < 300; quiet++) {
        const now = peers.reduce((sum, { socket }) => sum + socket.writableLength, 0);
        if (now !== left) quiet = 0;
        left = now;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await answerOf(child)).toBe('still there');
    },
    patient(60_000),
  );
});
