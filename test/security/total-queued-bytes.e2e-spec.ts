import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  OutboxOverflowError,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { binary, frame, OPCODE, text } from '../support/raw-frame.js';
import type { UpgradeSpec } from '../support/raw-http.js';
import type { RawPeer } from '../support/raw-peer.js';
import { afterTest, startApp, type StartedApp } from '../support/start-app.js';

const KIB = 1024;
const MIB = 1024 * KIB;

interface Opened {
  readonly peer: RawPeer;
  readonly connection: Connection;
}

interface Scene {
  readonly app: StartedApp;
  readonly ends: Journal<{ connection: Connection; end: FinishInfo }>;
  readonly heard: Journal;
  /** Holds the handler of messages. */
  readonly gate: Gate;
  open(count: number, spec?: UpgradeSpec): Promise<Opened[]>;
}

async function boot(options: PlackWebSocketModuleOptions): Promise<Scene> {
  const established = new Journal<Connection>();
  const ends: Scene['ends'] = new Journal();
  const heard = new Journal();
  const gate = new Gate();
  @WsEndpoint('feed')
  class Feed {
    @OnEstablish()
    enter(connection: Connection): void {
      established.add(connection);
    }

    @OnMessage()
    async hear(_connection: Connection, message: string): Promise<void> {
      heard.add(message.slice(0, 10));
      if (!message.startsWith('ask')) await gate.opened;
    }

    @OnFinish()
    leave(connection: Connection, end: FinishInfo): void {
      ends.add({ connection, end });
    }
  }
  const app = await startApp({ endpoints: [Feed], options: { heartbeat: false, closeTimeoutMs: 50, ...options } });
  afterTest(() => gate.open());
  const open: Scene['open'] = async (count, spec = {}) => {
    const opened: Opened[] = [];
    for (let i = 0; i < count; i++) {
      const peer = await app.peer({ timeoutMs: patient(10_000) });
      expect((await peer.upgrade({ path: '/ws/feed', ...spec })).status).toBe(101);
      opened.push({ peer, connection: await established.next() });
    }
    return opened;
  };
  return { app, ends, heard, gate, open };
}

const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

function waitingIn(all: readonly Opened[]): number {
  return all.reduce((sum, { connection }) => sum + connection.bufferedBytes, 0);
}

/** Sends until the kernel takes no more, and something waits here. */
async function clog({ peer, connection }: Opened): Promise<void> {
  peer.pause();
  const piece = Buffer.alloc(64 * KIB);
  for (let quiet = 0; quiet < 20; quiet++) {
    if (connection.bufferedBytes === 0) {
      void connection.send(piece);
      quiet = 0;
    }
    await turn();
  }
}

describe('limits.maxTotalQueuedBytes, against peers that do not read', () => {
  it.each(['by send', 'by raw.send'])(
    'counts the message that finds nothing waiting: %s',
    async (way) => {
      const limit = 16 * MIB;
      const scene = await boot({ limits: { maxTotalQueuedBytes: limit } });
      const all = await scene.open(16);
      for (const { peer } of all) peer.pause();
      const message = Buffer.alloc(8 * MIB);
      let most = 0;
      for (const { connection } of all) {
        if (way === 'by send') void connection.send(message);
        else (connection.raw as { send(data: Buffer): void }).send(message);
        await turn();
        most = Math.max(most, waitingIn(all));
      }
      expect(most).toBeLessThanOrEqual(limit + message.length);
      const [one] = await scene.ends.reached(12, patient(5000));
      expect(one?.end).toMatchObject({ code: 1013, initiator: 'limit' });
      expect(one?.end.error).toBeInstanceOf(OutboxOverflowError);
    },
    patient(30_000),
  );

  it(
    'ends the largest hoarder, and never the one that reads',
    async () => {
      const scene = await boot({ limits: { maxTotalQueuedBytes: 8 * MIB } });
      const hoarders = await scene.open(9);
      const [honest] = await scene.open(1);
      if (honest === undefined) throw new Error('Not opened.');
      for (const hoarder of hoarders) await clog(hoarder);
      // Each of them stays below its own bound of a MiB.
      for (const { connection } of hoarders) {
        const rest = 900 * KIB - connection.bufferedBytes;
        if (rest > 0) void connection.send(Buffer.alloc(rest));
      }
      await turn();
      for (let i = 0; i < 20; i++) {
        const sent = [1, 2].map((part) => honest.connection.send(Buffer.alloc(part * 150 * KIB, i)));
        for (const part of [1, 2]) expect((await honest.peer.nextFrame()).payload).toHaveLength(part * 150 * KIB);
        expect(await Promise.all(sent)).toEqual([true, true]);
      }
      expect(honest.connection.state).toBe('open');
      for (const { connection } of scene.ends.entries) {
        expect(hoarders.map((hoarder) => hoarder.connection)).toContain(connection);
      }
    },
    patient(30_000),
  );

  it(
    'counts connections that are closing, and cuts them when they hold the most',
    async () => {
      const scene = await boot({ limits: { maxTotalQueuedBytes: 4 * MIB }, closeTimeoutMs: 60_000 });
      const closing = await scene.open(4);
      for (const one of closing) {
        await clog(one);
        void one.connection.send(Buffer.alloc(900 * KIB));
        one.connection.close(4000);
      }
      const others = await scene.open(4);
      for (const one of others) {
        await clog(one);
        void one.connection.send(Buffer.alloc(700 * KIB));
        await turn();
      }
      const ended = await scene.ends.reached(2, patient(5000));
      for (const { connection, end } of ended) {
        expect(closing.map((one) => one.connection)).toContain(connection);
        expect(end).toMatchObject({ code: 4000, initiator: 'server', clean: false });
      }
      expect(others.map(({ connection }) => connection.state)).toEqual(Array(4).fill('open'));
    },
    patient(30_000),
  );

  // Without the fast path each socket has a copy.
  (process.env['PLACK_WS_FAST_PATH'] === 'off' ? it.skip : it)(
    'counts a frame that many wait with once',
    async () => {
      const scene = await boot({ limits: { maxTotalQueuedBytes: 4 * MIB } });
      const all = await scene.open(10);
      for (const one of all) await clog(one);
      for (let i = 0; i < 8; i++) {
        scene.app.registry.broadcast(Buffer.alloc(100 * KIB, i));
        await turn();
      }
      await turn();
      expect(waitingIn(all)).toBeGreaterThan(8 * MIB);
      expect(scene.ends.entries).toEqual([]);
    },
    patient(30_000),
  );
});

describe('limits.maxTotalQueuedBytes, against peers that send', () => {
  /** All of a message but its last byte. */
  const half = (size: number): Buffer => binary(Buffer.alloc(size)).subarray(0, -1);

  it.each<[string, (size: number) => Buffer]>([
    ['frames', half],
    ['fragments', (size) => frame({ fin: false, payload: Buffer.alloc(size, 'x') })],
  ])(
    'ends the largest message that is not complete, and nobody else: %s',
    async (_what, part) => {
      const scene = await boot({ limits: { maxTotalQueuedBytes: 2 * MIB, maxPayloadBytes: MIB } });
      const small = await scene.open(1);
      const large = await scene.open(6);
      const [honest] = await scene.open(1);
      await small[0]?.peer.writeRaw(part(60 * KIB));
      for (const { peer } of large) await peer.writeRaw(part(500 * KIB));
      const [first] = await scene.ends.reached(1, patient(5000));
      expect(first?.end).toMatchObject({ code: 1013, reason: 'message is not complete', initiator: 'limit' });
      expect(large.map(({ connection }) => connection)).toContain(first?.connection);
      await honest?.peer.writeRaw(text('ask'));
      await scene.heard.reached(1, patient(5000));
      expect([small[0]?.connection.state, honest?.connection.state]).toEqual(['open', 'open']);
      expect(large.some(({ connection }) => connection.state === 'open')).toBe(true);
    },
    patient(30_000),
  );

  it('counts what many small parts cost beside their bytes, where they are not joined', async () => {
    const scene = await boot({ limits: { maxTotalQueuedBytes: 64 * KIB }, compression: true });
    const [slow] = await scene.open(1, { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    await slow?.peer.writeRaw(half(60 * KIB).subarray(0, 8));
    await slow?.peer.writeByteByByte(Buffer.alloc(400));
    expect((await scene.ends.next()).end).toMatchObject({ code: 1013, reason: 'message is not complete' });
  });

  it(
    'stops reading those whose messages wait, ends none of them, and a peer that asks is served',
    async () => {
      // More than one read of each, which is 64 KiB: what has been read cannot be left in the socket.
      const scene = await boot({ limits: { maxTotalQueuedBytes: 4 * MIB } });
      const senders = await scene.open(20);
      const message = text('x'.repeat(32 * KIB));
      for (const { peer } of senders) for (let i = 0; i < 30; i++) peer.socket.write(message);
      await scene.heard.reached(20, patient(5000));
      for (let quiet = 0, left = -1; quiet < 100; quiet++) {
        const now = senders.reduce((sum, { peer }) => sum + peer.socket.writableLength, 0);
        if (now !== left) quiet = 0;
        left = now;
        await turn();
      }
      const [honest] = await scene.open(1);
      await honest?.peer.writeRaw(text('ask'));
      await scene.heard.reached(21, patient(5000));
      expect(scene.ends.entries).toEqual([]);
      scene.gate.open();
      await scene.heard.reached(601, patient(20_000));
      expect(scene.ends.entries).toEqual([]);
    },
    patient(40_000),
  );

  it(
    'takes a silent peer for dead although it is not read for the sake of all',
    async () => {
      const scene = await boot({
        limits: { maxTotalQueuedBytes: 200 * KIB },
        heartbeat: { intervalMs: 40, timeoutMs: 40 },
      });
      const [sender] = await scene.open(1);
      for (let i = 0; i < 6; i++) await sender?.peer.writeRaw(text('x'.repeat(60 * KIB)));
      expect((await scene.ends.next(patient(5000))).end).toMatchObject({ initiator: 'heartbeat' });
    },
    patient(20_000),
  );
});

describe('raw.send', () => {
  it(
    'is bounded as send is: what is sent past the bound ends the connection',
    async () => {
      const scene = await boot({});
      const [one] = await scene.open(1);
      if (one === undefined) throw new Error('Not opened.');
      one.peer.pause();
      const raw = one.connection.raw as { send(data: Buffer, done?: (error?: Error) => void): void };
      const refused = new Journal<Error | undefined>();
      let most = 0;
      for (let i = 0; i < 100; i++) {
        raw.send(Buffer.alloc(MIB), refused.add);
        most = Math.max(most, one.connection.bufferedBytes);
      }
      expect(most).toBeLessThan(8 * MIB);
      const { end } = await scene.ends.next(patient(10_000));
      expect(end).toMatchObject({ code: 1013, initiator: 'limit', error: expect.any(OutboxOverflowError) });
      await refused.reached(100, patient(5000));
    },
    patient(30_000),
  );

  it(
    'is looked at by the heartbeat as well, whichever way the bytes came into the socket',
    async () => {
      const scene = await boot({ heartbeat: { intervalMs: 60_000, timeoutMs: 200 } });
      const [one] = await scene.open(1);
      if (one === undefined) throw new Error('Not opened.');
      one.peer.pause();
      const { _socket: socket } = one.connection.raw as { _socket: { write(bytes: Buffer): void } };
      const bytes = frame({ opcode: OPCODE.binary, payload: Buffer.alloc(64 * KIB), mask: false });
      for (let i = 0; i < 200; i++) socket.write(bytes);
      expect((await scene.ends.next(patient(10_000))).end).toMatchObject({ code: 1013, initiator: 'limit' });
    },
    patient(30_000),
  );

  it(
    'may send one message that is larger than the bound',
    async () => {
      const scene = await boot({ heartbeat: { intervalMs: 60_000, timeoutMs: 40 } });
      const [one] = await scene.open(1);
      if (one === undefined) throw new Error('Not opened.');
      (one.connection.raw as { send(data: Buffer): void }).send(Buffer.alloc(6 * MIB));
      expect((await one.peer.nextFrame()).payload).toHaveLength(6 * MIB);
      expect(one.connection.state).toBe('open');
    },
    patient(30_000),
  );
});
