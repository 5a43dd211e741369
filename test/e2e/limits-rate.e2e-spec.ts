import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { close, fragments, frame, OPCODE, ping, pong, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

interface Scene {
  readonly app: StartedApp;
  readonly heard: Journal;
  readonly finished: Journal<FinishInfo>;
  open(): Promise<RawPeer>;
}

async function boot(options: PlackWebSocketModuleOptions): Promise<Scene> {
  const heard = new Journal();
  const finished = new Journal<FinishInfo>();
  @WsEndpoint('chat')
  class Chat {
    @OnMessage()
    say(_connection: Connection, message: string): string {
      heard.add(message);
      return message;
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  const app = await startApp({ endpoints: [Chat], options });
  const open = async (): Promise<RawPeer> => {
    const peer = await app.peer();
    expect((await peer.upgrade({ path: '/ws/chat' })).status).toBe(101);
    return peer;
  };
  return { app, heard, finished, open };
}

function messages(from: number, to: number): Buffer {
  return Buffer.concat(Array.from({ length: to - from + 1 }, (_, index) => text(String(from + index))));
}

async function read(peer: RawPeer, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push((await peer.nextFrame()).text);
  return texts;
}

describe('limits.messagesPerSecond', () => {
  it('takes as many at once, closes 1008 for one more, and handles nothing after that', async () => {
    const scene = await boot({ limits: { messagesPerSecond: 5 } });
    const [peer, other] = [await scene.open(), await scene.open()];
    await peer.writeRaw(messages(1, 8));
    expect(await read(peer, 5)).toEqual(['1', '2', '3', '4', '5']);
    expect(await peer.nextFrame()).toMatchObject({
      opcode: OPCODE.close,
      closeCode: 1008,
      closeReason: 'too many messages',
    });
    await peer.writeRaw(close(1008));
    await peer.ended();
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1008, clean: true, initiator: 'limit' });
    await other.writeRaw(messages(1, 5));
    expect(await read(other, 5)).toHaveLength(5);
    expect(scene.heard.entries).toHaveLength(10);
  });

  it('counts messages, neither frames nor pings', async () => {
    const scene = await boot({ limits: { messagesPerSecond: 2 } });
    const peer = await scene.open();
    const pings = Array.from({ length: 20 }, () => ping());
    await peer.writeRaw(Buffer.concat([...pings, ...fragments(['a', 'b', 'c', 'd']), text('two')]));
    for (let count = 0; count < 20; count++) expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong });
    expect(await read(peer, 2)).toEqual(['abcd', 'two']);
    expect(scene.finished.entries).toEqual([]);
  });

  it('lets a client go on that keeps to it', async () => {
    const scene = await boot({ limits: { messagesPerSecond: 200 } });
    const peer = await scene.open();
    let [sent, allowance, last] = [0, 0, performance.now()];
    // Nine tenths of what is allowed, for longer than the burst lasts; time that a slow machine loses is not made up for.
    while (sent < 260) {
      const now = performance.now();
      allowance = Math.min(20, allowance + ((now - last) / 1000) * 180);
      last = now;
      const due = Math.floor(allowance);
      if (due > 0) await peer.writeRaw(messages(sent + 1, sent + due));
      sent += due;
      allowance -= due;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await read(peer, sent)).toHaveLength(sent);
    expect(scene.finished.entries).toEqual([]);
  });
});

const emptyFragment = frame({ fin: false, opcode: OPCODE.continuation });

describe.each(['on', 'off'])('limits.emptyFramesPerSecond, the fast path %s', (fastPath) => {
  const before = process.env['PLACK_WS_FAST_PATH'];
  beforeEach(() => {
    process.env['PLACK_WS_FAST_PATH'] = fastPath === 'off' || before === 'off' ? 'off' : 'on';
  });
  afterEach(() => {
    if (before === undefined) delete process.env['PLACK_WS_FAST_PATH'];
    else process.env['PLACK_WS_FAST_PATH'] = before;
  });

  it.each<[string, PlackWebSocketModuleOptions, Buffer, Buffer]>([
    ['pings', {}, text('first'), ping()],
    ['pongs that nothing asked for', {}, text('first'), pong()],
    [
      'empty fragments',
      {},
      Buffer.concat([text('first'), frame({ fin: false, payload: 'b' })]),
      Buffer.concat([emptyFragment, emptyFragment]),
    ],
    ['pings, compressed', { compression: true }, text('first'), ping()],
  ])('closes 1008 for more %s, and serves the others', async (_what, options, first, empty) => {
    const scene = await boot({ ...options, limits: { emptyFramesPerSecond: 5, maxFragments: 0 } });
    const [peer, other] = [await scene.open(), await scene.open()];
    await peer.writeRaw(Buffer.concat([first, ...Array.from({ length: 40 }, () => empty)]));
    expect(await read(peer, 1)).toEqual(['first']);
    let last = await peer.nextFrame();
    let pongs = 0;
    for (; last.opcode === OPCODE.pong; pongs++) last = await peer.nextFrame();
    expect(last).toMatchObject({ opcode: OPCODE.close, closeCode: 1008, closeReason: 'too many empty frames' });
    // As many as are allowed at once, with what the time of the test gives back.
    expect(pongs).toBeLessThan(40);
    await peer.writeRaw(close(1008));
    await peer.ended();
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1008, clean: true, initiator: 'limit' });
    await other.writeRaw(text('still served'));
    expect(await read(other, 1)).toEqual(['still served']);
  });

  it('counts neither the answers to its own pings nor the ends of messages', async () => {
    const opened: Connection[] = [];
    @WsEndpoint('pinging')
    class Pinging {
      @OnMessage()
      say(connection: Connection, message: string): string {
        opened.push(connection);
        return message;
      }
    }
    const app = await startApp({ endpoints: [Pinging], options: { limits: { emptyFramesPerSecond: 1 } } });
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/pinging' });
    await peer.writeRaw(Buffer.concat(Array.from({ length: 20 }, (_, n) => fragments([String(n), ''])).flat()));
    expect(await read(peer, 20)).toHaveLength(20);
    const [connection] = opened;
    for (let count = 0; count < 20; count++) {
      const answered = connection?.ping();
      await peer.writeRaw(pong((await peer.nextFrame()).payload));
      expect(await answered).toEqual(expect.any(Number));
    }
    expect(connection?.state).toBe('open');
  });
});

describe('limits.emptyFramesPerSecond', () => {
  it('is 1 000 by default, and 0 stands for none', async () => {
    const flood = Buffer.concat(Array.from({ length: 3_000 }, () => pong()));
    const peer = await (await boot({})).open();
    await peer.writeRaw(flood);
    expect(await peer.nextFrame()).toMatchObject({ closeCode: 1008 });
    const unbounded = await (await boot({ limits: { emptyFramesPerSecond: 0 } })).open();
    await unbounded.writeRaw(Buffer.concat([flood, text('after the flood')]));
    expect(await read(unbounded, 1)).toEqual(['after the flood']);
  });
});

describe('limits.maxEventLoopDelayMs', () => {
  it('turns upgrades away while the event loop is late, serves who is connected, and takes upgrades again', async () => {
    const scene = await boot({ limits: { maxEventLoopDelayMs: 150 } });
    const peer = await scene.open();
    const ask = async (): Promise<number> => {
      const client = await scene.app.peer();
      const { status, headers } = await client.upgrade({ path: '/ws/chat' });
      if (status === 503) expect(headers['retry-after']).toMatch(/^\d+$/);
      client.reset();
      return status;
    };
    /** Asks until the answer is the one, for a time that many windows of the measurement fit in. */
    const until = async (status: number, between: () => unknown): Promise<void> => {
      for (const start = performance.now(); performance.now() - start < patient(10_000);) {
        await between();
        if ((await ask()) === status) return;
      }
      throw new Error(`Never answered with ${status}.`);
    };
    const hold = new Int32Array(new SharedArrayBuffer(4));
    await until(503, () => Atomics.wait(hold, 0, 0, 250));
    await peer.writeRaw(text('still served'));
    expect(await read(peer, 1)).toEqual(['still served']);
    await until(101, () => new Promise((resolve) => setImmediate(resolve)));
  });
});
