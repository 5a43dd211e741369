import { describe, expect, it } from '@jest/globals';
import { NEVER } from 'rxjs';
import { Connection, FinishInfo, OnFinish, OnMessage, WsEndpoint, type LimitsOptions } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { frame, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const LIMIT_MS = 40;

interface Scene {
  readonly app: StartedApp;
  readonly finished: Journal<FinishInfo>;
  readonly working: Gate;
  open(): Promise<RawPeer>;
}

/** An application whose clients have these times, and no others. */
async function boot(limits: Partial<LimitsOptions>, closeTimeoutMs = 20): Promise<Scene> {
  const finished = new Journal<FinishInfo>();
  const working = new Gate();
  @WsEndpoint('chat')
  class Chat {
    @OnMessage()
    say(_connection: Connection, message: string): unknown {
      if (message === 'work') return working.opened;
      return message === 'stream' ? NEVER : message;
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  const app = await startApp({ endpoints: [Chat], options: { limits, closeTimeoutMs, heartbeat: false } });
  const open = async (): Promise<RawPeer> => {
    const peer = await app.peer();
    expect((await peer.upgrade({ path: '/ws/chat' })).status).toBe(101);
    return peer;
  };
  return { app, finished, working, open };
}

const ended = (reason: string): object => ({ code: 4408, reason, initiator: 'limit' });

/** Does something again and again while others, which do nothing, reach their limit, several times over. */
async function meanwhile({ app, finished }: Scene, silent: () => unknown, act = (): unknown => 0) {
  const before = finished.entries.length;
  for (let end = 1; end <= 3; end++) {
    await silent();
    while (finished.entries.length < before + end) {
      await act();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return app.registry.size;
}

describe('limits.idleTimeoutMs', () => {
  it('closes 4408 without a message for so long, not sooner', async () => {
    const scene = await boot({ idleTimeoutMs: LIMIT_MS }, 60_000);
    const began = performance.now();
    const client = await scene.app.connect('/ws/chat');
    void client.send('hello');
    expect(await client.next()).toBe('hello');
    expect(await client.closed()).toMatchObject({ code: 4408, reason: 'idle', clean: true });
    expect(performance.now() - began).toBeGreaterThanOrEqual(LIMIT_MS - 2);
    expect(await scene.finished.next()).toMatchObject({ ...ended('idle'), clean: true });
  });

  it('counts pings and pongs as nothing', async () => {
    const scene = await boot({ idleTimeoutMs: LIMIT_MS });
    const peer = await scene.open();
    const over = scene.finished.next();
    let isOver = false;
    void over.then(() => (isOver = true));
    while (!isOver) {
      await peer.writeRaw(frame({ opcode: OPCODE.ping, payload: '' })).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await over).toMatchObject(ended('idle'));
  });

  it.each([
    ['sends messages', (peer: RawPeer) => peer.writeRaw(text('hi'))],
    ['gets messages', (_peer: RawPeer, scene: Scene) => [...scene.app.registry][0]?.send('news')],
  ])('leaves a client alone that %s', async (_what, act) => {
    const scene = await boot({ idleTimeoutMs: LIMIT_MS });
    const peer = await scene.open();
    expect(await meanwhile(scene, scene.open, () => act(peer, scene))).toBe(1);
  });

  it.each(['work', 'stream'])('leaves a client alone whose handler is busy with: %s', async (message) => {
    const scene = await boot({ idleTimeoutMs: LIMIT_MS });
    await (await scene.open()).writeRaw(text(message));
    expect(await meanwhile(scene, scene.open)).toBe(1);
    scene.working.open();
  });
});

describe('limits.firstMessageTimeoutMs', () => {
  it('closes 4408 who says nothing, and leaves alone who spoke', async () => {
    const scene = await boot({ firstMessageTimeoutMs: LIMIT_MS });
    const peer = await scene.open();
    await peer.writeRaw(text('login'));
    expect((await peer.nextFrame()).text).toBe('login');
    expect(await meanwhile(scene, scene.open)).toBe(1);
    expect(scene.finished.entries[0]).toMatchObject(ended('no message came'));
  });
});

describe('limits.maxLifetimeMs', () => {
  it('closes 4408 a client that is active, once its message is answered', async () => {
    const scene = await boot({ maxLifetimeMs: LIMIT_MS }, 60_000);
    const client = await scene.app.connect('/ws/chat');
    void client.send('work');
    expect(await meanwhile(scene, () => scene.app.connect('/ws/chat'))).toBe(1);
    scene.working.open();
    expect(await client.closed()).toMatchObject({ code: 4408 });
    expect((await scene.finished.reached(4)).at(-1)).toMatchObject(ended('lifetime is over'));
  });

  it('of an endpoint wins over that of the module, with 0 for none', async () => {
    @WsEndpoint({ path: 'short', limits: { maxLifetimeMs: LIMIT_MS } })
    class Short {
      @OnMessage()
      say(): void {}
    }
    @WsEndpoint({ path: 'long', limits: { maxLifetimeMs: 0 } })
    class Long extends Short {}
    const app = await startApp({ endpoints: [Short, Long], options: { limits: { maxLifetimeMs: 1 } } });
    await app.connect('/ws/long');
    for (let end = 0; end < 3; end++) {
      const began = performance.now();
      const client = await app.connect('/ws/short');
      expect(await client.closed()).toMatchObject({ code: 4408, reason: 'lifetime is over' });
      expect(performance.now() - began).toBeGreaterThan(LIMIT_MS / 2);
    }
    expect(app.registry.in(Long).size).toBe(1);
  });
});

describe.each(['on', 'off'])('limits.messageTimeoutMs with the fast path %s', (fastPath) => {
  async function bootWith(limits: Partial<LimitsOptions>): Promise<Scene> {
    const { PLACK_WS_FAST_PATH: before = '' } = process.env;
    process.env['PLACK_WS_FAST_PATH'] = fastPath;
    try {
      return await boot(limits);
    } finally {
      process.env['PLACK_WS_FAST_PATH'] = before;
    }
  }

  const begun = text('x'.repeat(3_000));
  it.each([
    ['drips the bytes of a frame', (sent: number) => begun.subarray(sent, sent + 1)],
    ['has sent a header', (sent: number) => (sent === 0 ? begun.subarray(0, 8) : Buffer.alloc(0))],
    [
      'sends fragments for ever',
      (sent: number) => frame({ opcode: sent === 0 ? OPCODE.text : 0, fin: false, payload: '' }),
    ],
  ])('closes 4408 who %s', async (_what, next) => {
    const scene = await bootWith({ messageTimeoutMs: LIMIT_MS, maxFragments: 0 });
    const peer = await scene.open();
    const over = scene.finished.next();
    let [sent, isOver] = [0, false];
    void over.then(() => (isOver = true));
    const closing = peer.nextFrame().then((got) => {
      peer.reset();
      return got;
    });
    while (!isOver) {
      const bytes = next(sent);
      sent += bytes.length;
      if (bytes.length > 0 && sent < begun.length) await peer.writeRaw(bytes).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await closing).toMatchObject({ opcode: OPCODE.close, closeCode: 4408 });
    expect(await over).toMatchObject(ended('a message took too long'));
  });

  it('leaves alone who sends nothing, many messages, or one whose rest waits because we do not read', async () => {
    const scene = await bootWith({ messageTimeoutMs: LIMIT_MS, maxPendingMessages: 1 });
    await scene.open();
    const busy = await scene.open();
    const unread = await scene.open();
    const half = begun.subarray(0, 20);
    await unread.writeRaw(Buffer.concat([text('work'), text('waits'), text('waits'), half]));
    const size = await meanwhile(
      scene,
      async () => (await scene.open()).writeRaw(half),
      () => busy.writeRaw(text('hi')),
    );
    expect(size).toBe(3);
    scene.working.open();
    expect(await scene.finished.reached(4)).toHaveLength(4);
    expect(scene.app.registry.size).toBe(2);
  });
});
