import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { close, fragments, OPCODE, ping, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** More than the buffers of both kernels hold, so that a server that does not read cannot hide it. */
const FLOOD_BYTES = 20 * 1024 * 1024;

class Scene {
  readonly handled: string[] = [];
  readonly finished = new Journal<FinishInfo>();
  readonly started = new Journal();
  app!: StartedApp;

  /** Every message waits for `work` before it counts as handled. */
  static async boot(
    work: (message: string) => unknown,
    options: PlackWebSocketModuleOptions,
    establish: () => unknown = () => undefined,
  ): Promise<Scene> {
    const scene = new Scene();
    @WsEndpoint('work')
    class Work {
      @OnEstablish()
      enter(): unknown {
        return establish();
      }

      @OnMessage()
      async work(_connection: Connection, message: string): Promise<void> {
        scene.started.add(message);
        await work(message);
        scene.handled.push(message);
      }

      @OnFinish()
      leave(_connection: Connection, end: FinishInfo): void {
        scene.finished.add(end);
      }
    }
    scene.app = await startApp({ endpoints: [Work], options });
    return scene;
  }

  async open(): Promise<RawPeer> {
    const peer = await this.app.peer({ timeoutMs: patient(10_000) });
    expect((await peer.upgrade({ path: '/ws/work' })).status).toBe(101);
    return peer;
  }
}

/** Waits until the socket has taken no byte for a number of turns: whatever can be written has been. */
async function stalled({ socket }: RawPeer): Promise<number> {
  let left = -1;
  for (let quiet = 0; quiet < 200; quiet++) {
    if (socket.writableLength !== left) quiet = 0;
    left = socket.writableLength;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return left;
}

describe('the inbox', () => {
  it.each<[string, PlackWebSocketModuleOptions['limits'], number]>([
    ['messages', { maxPendingMessages: 4 }, 60_000],
    ['bytes', { maxPendingBytes: 200_000 }, 60_000],
    [
      'bytes, each message counted with what it costs to keep',
      { maxPendingBytes: 20_000, maxPendingMessages: 1e9 },
      200,
    ],
  ])(
    'is bounded by %s: past it the server does not read, and later nothing is missing',
    async (_what, limits = {}, size) => {
      const gate = new Gate();
      const scene = await Scene.boot(() => gate.opened, { limits });
      const peer = await scene.open();
      const count = Math.ceil(FLOOD_BYTES / size / (size < 1000 ? 20 : 1));
      const pad = 'x'.repeat(size - 10);
      const sent = Array.from({ length: count }, (_, index) => `${index}:${pad}`);
      const batch = 1000;
      for (let at = 0; at < count; at += batch) {
        peer.socket.write(Buffer.concat(sent.slice(at, at + batch).map((message) => text(message))));
      }
      await scene.started.next();
      if (size > 1000) expect(await stalled(peer)).toBeGreaterThan(FLOOD_BYTES / 5);
      expect(scene.started.entries).toHaveLength(1);
      gate.open();
      await scene.started.reached(count, patient(10_000));
      await peer.writeRaw(ping('read on'));
      expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong, text: 'read on' });
      expect(scene.handled.map((message) => Number.parseInt(message, 10))).toEqual(sent.map((_, index) => index));
      expect(scene.finished.entries).toEqual([]);
    },
  );

  it('never takes a connection that it paused for dead, while silent ones die one after the other', async () => {
    const gate = new Gate();
    const scene = await Scene.boot((message) => (message === 'busy' ? gate.opened : undefined), {
      limits: { maxPendingMessages: 2 },
      heartbeat: { intervalMs: 20, timeoutMs: 20 },
    });
    const busy = await scene.open();
    await busy.writeRaw(Buffer.concat(Array(5).fill(text('busy'))));
    await scene.started.next();
    // Each of them is a clock that runs for interval and timeout.
    for (let death = 0; death < 4; death++) {
      await scene.open();
      expect(await scene.finished.next()).toMatchObject({ initiator: 'heartbeat' });
    }
    expect(scene.app.registry.size).toBe(1);
    expect(await busy.nextFrame({ timeoutMs: 1 }).catch(() => 'no ping')).toBe('no ping');
    gate.open();
    await scene.started.reached(5);
    await busy.writeRaw(close(1000));
    expect(await busy.nextFrame()).toMatchObject({ opcode: OPCODE.close });
  });

  it('watches a connection again once it reads on: then silence is death', async () => {
    const gate = new Gate();
    const scene = await Scene.boot(() => gate.opened, {
      limits: { maxPendingMessages: 2 },
      heartbeat: { intervalMs: 20, timeoutMs: 20 },
    });
    const busy = await scene.open();
    await busy.writeRaw(Buffer.concat(Array(5).fill(text('busy'))));
    await scene.started.next();
    gate.open();
    await scene.started.reached(5);
    expect(await scene.finished.next()).toMatchObject({ initiator: 'heartbeat' });
  });

  it('loses no credit with messages of many frames: after any number of pauses it reads on', async () => {
    const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));
    const scene = await Scene.boot(turn, { limits: { maxPendingMessages: 2, maxPendingBytes: 100 } });
    const peer = await scene.open();
    const messages = Array.from({ length: 600 }, (_, index) => [`${index}`, '', 'b'.repeat(index % 50), 'c']);
    for (const parts of messages) {
      peer.socket.write(Buffer.concat(fragments(parts)));
      if (parts[2]?.length === 0) await turn();
    }
    await scene.started.reached(messages.length, patient(10_000));
    await peer.writeRaw(ping());
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong });
    expect(scene.handled).toEqual(messages.map((parts) => parts.join('')));
  });

  it('with concurrency still begins messages in order and never handles more at a time', async () => {
    let [running, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    const scene = await Scene.boot(work, { concurrency: 3, limits: { maxPendingMessages: 4 } });
    const peer = await scene.open();
    const messages = Array.from({ length: 100 }, (_, index) => String(index));
    await peer.writeRaw(Buffer.concat(messages.map((message) => text(message))));
    await scene.started.reached(100);
    expect(scene.started.entries).toEqual(messages);
    expect(most).toBe(3);
  });

  it('is bounded while establish takes its time', async () => {
    const gate = new Gate();
    const scene = await Scene.boot(
      () => undefined,
      { limits: { maxPendingMessages: 4 } },
      () => gate.opened,
    );
    const peer = await scene.open();
    const message = text('x'.repeat(60_000));
    const count = Math.ceil(FLOOD_BYTES / message.length);
    for (let sent = 0; sent < count; sent++) peer.socket.write(message);
    expect(await stalled(peer)).toBeGreaterThan(FLOOD_BYTES / 5);
    expect(scene.started.entries).toHaveLength(0);
    gate.open();
    await scene.started.reached(count, patient(10_000));
  });
});
