import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OutboxOverflowError,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { OPCODE } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const KIB = 1024;

interface Scene {
  readonly app: StartedApp;
  readonly finished: Journal<FinishInfo>;
  open(): Promise<{ peer: RawPeer; connection: Connection }>;
}

async function boot(options: PlackWebSocketModuleOptions): Promise<Scene> {
  const established = new Journal<Connection>();
  const finished = new Journal<FinishInfo>();
  @WsEndpoint('feed')
  class Feed {
    @OnEstablish()
    enter(connection: Connection): void {
      established.add(connection);
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  const app = await startApp({ endpoints: [Feed], options: { closeTimeoutMs: 50, ...options } });
  const open: Scene['open'] = async () => {
    const peer = await app.peer({ timeoutMs: patient(10_000) });
    expect((await peer.upgrade({ path: '/ws/feed' })).status).toBe(101);
    return { peer, connection: await established.next() };
  };
  return { app, finished, open };
}

/** Sends until something waits that the kernel does not take any more. */
async function clog(connection: Connection): Promise<void> {
  const piece = Buffer.alloc(64 * KIB);
  for (let quiet = 0; quiet < 20;) {
    if (connection.bufferedBytes === 0) {
      void connection.send(piece);
      quiet = 0;
    } else quiet++;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the outbox', () => {
  it('closes a peer that does not read with 1013, and nobody else', async () => {
    const scene = await boot({ limits: { maxBufferedBytes: 200 * KIB } });
    const [slow, quick] = [await scene.open(), await scene.open()];
    slow.peer.pause();
    await clog(slow.connection);
    const piece = Buffer.alloc(50 * KIB, 1);
    let dropped = 0;
    for (let count = 0; count < 6; count++) {
      dropped += scene.app.registry.broadcast(piece).dropped;
      expect((await quick.peer.nextFrame()).payload).toHaveLength(50 * KIB);
    }
    expect(dropped).toBeGreaterThan(0);
    const end = await scene.finished.next();
    expect(end).toMatchObject({ code: 1013, initiator: 'limit' });
    expect(end.error).toBeInstanceOf(OutboxOverflowError);
    expect(end.error).toMatchObject({
      limit: 'maxBufferedBytes',
      maxBytes: 200 * KIB,
      message: expect.stringContaining(`limits.maxBufferedBytes is ${200 * KIB}`),
    });
    expect(quick.connection.state).toBe('open');
  });

  it('takes a burst of one tick for no slowness', async () => {
    const scene = await boot({ limits: { maxBufferedBytes: 200 * KIB } });
    const { peer, connection } = await scene.open();
    const sent = Array.from({ length: 8 }, () => connection.send('x'.repeat(50 * KIB)));
    expect(await Promise.all(sent)).toEqual(Array(8).fill(true));
    for (let count = 0; count < 8; count++) expect((await peer.nextFrame()).payload).toHaveLength(50 * KIB);
    expect(connection.state).toBe('open');
  });

  it('tells the caller: false for what was not sent, true for what was', async () => {
    const scene = await boot({ limits: { maxBufferedBytes: 100 * KIB, overflow: 'drop' } });
    const { peer, connection } = await scene.open();
    peer.pause();
    await clog(connection);
    const fits = connection.send('x'.repeat(10 * KIB));
    const tooMuch = connection.send('y'.repeat(200 * KIB));
    await expect(tooMuch).resolves.toBe(false);
    expect(scene.app.registry.broadcast('z'.repeat(200 * KIB))).toEqual({ matched: 1, sent: 0, dropped: 1 });
    expect(connection.state).toBe('open');
    peer.resume();
    await expect(fits).resolves.toBe(true);
    for (;;) {
      const { opcode, payload, text } = await peer.nextFrame();
      if (opcode === OPCODE.binary) continue;
      expect([payload.length, text[0]]).toEqual([10 * KIB, 'x']);
      break;
    }
    await expect(connection.send('later')).resolves.toBe(true);
    expect((await peer.nextFrame()).text).toBe('later');
  });

  it.each<[string, (size: number) => string | Buffer]>([
    ['bytes', (size) => Buffer.alloc(size, 1)],
    ['ASCII', (size) => 'x'.repeat(size)],
    ['two bytes each', (size) => 'é'.repeat(size / 2)],
    ['three bytes each', (size) => '€'.repeat(size / 3)],
    ['four bytes each', (size) => '\u{1F600}'.repeat(size / 4)],
  ])('never holds more than maxBufferedBytes: %s', async (_what, make) => {
    const maxBufferedBytes = 240 * KIB;
    const scene = await boot({ limits: { maxBufferedBytes, overflow: 'drop' } });
    const { peer, connection } = await scene.open();
    peer.pause();
    await clog(connection);
    const message = make(48 * KIB);
    let most = 0;
    for (let count = 0; count < 30; count++) {
      void connection.send(message);
      scene.app.registry.broadcast(message);
      most = Math.max(most, connection.bufferedBytes);
    }
    // The header of a frame may come on top of what was asked for.
    expect(most).toBeLessThanOrEqual(maxBufferedBytes + 10);
    expect(most).toBeGreaterThan(maxBufferedBytes / 2);
  });

  it('lets one message that is larger than the bound leave when nothing waits', async () => {
    const scene = await boot({ limits: { maxBufferedBytes: 10 * KIB } });
    const { peer, connection } = await scene.open();
    await expect(connection.send(Buffer.alloc(500 * KIB))).resolves.toBe(true);
    expect((await peer.nextFrame()).payload).toHaveLength(500 * KIB);
    expect(connection.state).toBe('open');
  });

  it('counts down to nothing when the peer reads on', async () => {
    const scene = await boot({});
    const { peer, connection } = await scene.open();
    peer.pause();
    await clog(connection);
    const sent = connection.send('the last');
    peer.resume();
    await expect(sent).resolves.toBe(true);
    expect(connection.bufferedBytes).toBe(0);
  });

  it('keeps no promise waiting when the connection ends', async () => {
    const scene = await boot({});
    const { peer, connection } = await scene.open();
    peer.pause();
    await clog(connection);
    const waiting = Array.from({ length: 5 }, () => connection.send('never read'));
    peer.reset();
    expect(await Promise.all(waiting)).toEqual([false, false, false, false, false]);
  });
});

describe('limits.maxTotalQueuedBytes', () => {
  it('bounds what all connections hold together: the largest ends, whatever overflow says', async () => {
    const scene = await boot({
      limits: { maxTotalQueuedBytes: 400 * KIB, maxBufferedBytes: 10_000 * KIB, overflow: 'drop' },
    });
    const [first, second] = [await scene.open(), await scene.open()];
    for (const { peer, connection } of [first, second]) {
      peer.pause();
      await clog(connection);
    }
    const piece = Buffer.alloc(50 * KIB);
    let most = 0;
    for (let count = 0; count < 20 && scene.finished.entries.length === 0; count++) {
      void first.connection.send(piece);
      most = Math.max(most, first.connection.bufferedBytes + second.connection.bufferedBytes);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBeLessThanOrEqual(400 * KIB + piece.length);
    expect(await scene.finished.next()).toMatchObject({ code: 1013, initiator: 'limit' });
    expect([first.connection.state, second.connection.state]).toEqual(['closed', 'open']);
    const before = second.connection.bufferedBytes;
    void second.connection.send(piece);
    expect(second.connection.bufferedBytes - before).toBeGreaterThanOrEqual(piece.length);
  });

  it('is named by the error that it ends a connection with', async () => {
    const scene = await boot({ limits: { maxTotalQueuedBytes: 400 * KIB, maxBufferedBytes: 10_000 * KIB } });
    const { peer, connection } = await scene.open();
    peer.pause();
    await clog(connection);
    void connection.send(Buffer.alloc(500 * KIB));
    const { code, error } = await scene.finished.next();
    expect([code, error]).toEqual([1013, expect.any(OutboxOverflowError)]);
    expect(error).toMatchObject({
      limit: 'maxTotalQueuedBytes',
      maxBytes: 400 * KIB,
      message: expect.stringContaining(`limits.maxTotalQueuedBytes is ${400 * KIB}`),
    });
  });
});
