import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { Journal } from '../support/journal.js';
import { patient } from '../support/patience.js';
import { frame, OPCODE, ping, pong, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

const INTERVAL_MS = 40;
const TIMEOUT_MS = 40;
const STALLED = new URL('./hostile/heartbeat.fixture.ts', import.meta.url);
const DEAD = { code: 1006, reason: '', clean: false, initiator: 'heartbeat' };

interface Scene {
  readonly app: StartedApp;
  readonly established: Journal<Connection>;
  readonly finished: Journal<FinishInfo & { readonly id?: string }>;
  open(): Promise<RawPeer>;
}

async function boot(options: PlackWebSocketModuleOptions = {}, spec: AppSpec = {}): Promise<Scene> {
  const established = new Journal<Connection>();
  const finished = new Journal<FinishInfo>();
  @WsEndpoint('echo')
  class Echo {
    @OnEstablish()
    enter(connection: Connection): void {
      established.add(connection);
    }

    @OnMessage()
    echo(_connection: Connection, message: string): string {
      return message;
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  const heartbeat = { intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS };
  const app = await startApp({ ...spec, endpoints: [Echo], options: { heartbeat, ...options } });
  const open = async (): Promise<RawPeer> => {
    const peer = await app.peer();
    expect((await peer.upgrade({ path: '/ws/echo' })).status).toBe(101);
    return peer;
  };
  return { app, established, finished, open };
}

/** Does something again and again for as long as it takes a dead peer to be found, several times over. */
async function meanwhile(scene: Scene, act: () => unknown): Promise<void> {
  const before = scene.finished.entries.length;
  for (let death = 1; death <= 2; death++) {
    const clock = await scene.open();
    while (scene.finished.entries.length < before + death) {
      await act();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await clock.ended();
  }
}

describe('the heartbeat', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('asks a silent peer with a ping after the interval, and cuts it within interval and timeout', async () => {
    const scene = await boot();
    const start = performance.now();
    const peer = await scene.open();
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.ping, masked: false, fin: true });
    const askedAfter = performance.now() - start;
    expect(await scene.finished.next()).toEqual(DEAD);
    const cutAfter = performance.now() - start;
    expect(askedAfter).toBeGreaterThan(INTERVAL_MS / 2);
    expect(cutAfter - askedAfter).toBeGreaterThan(TIMEOUT_MS / 2);
    expect(cutAfter).toBeLessThan(INTERVAL_MS + TIMEOUT_MS + patient(2000));
    expect(scene.app.registry.size).toBe(0);
    await peer.ended();
  });

  it('finds a peer dead that never said a word after the 101, and one that half of a frame came from', async () => {
    const scene = await boot();
    await scene.open();
    const halfway = await scene.open();
    await halfway.writeRaw(text('half').subarray(0, 3));
    expect(await scene.finished.reached(2)).toEqual([DEAD, DEAD]);
  });

  const signs: [string, (peer: RawPeer) => unknown][] = [
    ['a pong', (peer) => peer.writeRaw(pong())],
    ['a pong nobody asked for', (peer) => peer.writeRaw(pong('unasked'))],
    ['a ping', (peer) => peer.writeRaw(ping())],
    ['a message', (peer) => peer.writeRaw(text('here'))],
    ['a fragment', (peer) => peer.writeRaw(frame({ payload: '', fin: true }))],
  ];
  it.each(signs)('takes %s for a sign of life, also from a peer that never answers a ping', async (_what, act) => {
    // As often as the event loop turns: on a fast machine that is more than the rate of frames without a message.
    const scene = await boot({ limits: { emptyFramesPerSecond: 0 } });
    const peer = await scene.open();
    await meanwhile(scene, () => act(peer));
    expect(peer.socket.readyState).toBe('open');
    expect(scene.app.registry.size).toBe(1);
  });

  it('takes single bytes of a large frame for signs of life', async () => {
    const scene = await boot({ limits: { maxPayloadBytes: 1_000_000 } });
    const peer = await scene.open();
    const [large, at] = [text('x'.repeat(900_000)), { next: 0 }];
    await meanwhile(scene, () => peer.writeRaw(large.subarray(at.next, (at.next += 1))));
    expect(scene.app.registry.size).toBe(1);
  });

  it('leaves a peer that answers alone, over TLS too', async () => {
    for (const spec of [{}, { https: certificate }]) {
      const scene = await boot({}, spec);
      const client = await scene.app.connect('/ws/echo');
      for (let dead = 0; dead < 2; dead++) {
        await scene.app.connect('/ws/echo', { autoPong: false });
        expect(await scene.finished.next()).toEqual(DEAD);
      }
      expect(client.state).toBe('open');
    }
  });

  it('kills nobody whose pong waits behind a stalled event loop', async () => {
    await using child = await ChildApp.start(STALLED);
    const url = new URL(`http://127.0.0.1:${child.port}`);
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(url, '/ws/echo')));
    for (let stall = 0; stall < 2; stall++) {
      // Longer than interval and timeout together: by the clock everybody would be dead.
      child.tell({ holdMs: 900 });
      for (const client of clients) {
        await client.send(`stall ${stall}`);
        expect(await client.next()).toBe(`stall ${stall}`);
      }
    }
    await child.heard('held');
    await child.settled();
    expect(clients.map(({ state }) => state)).toEqual(clients.map(() => 'open'));
    await Promise.all(clients.map((client) => client.terminate()));
    expect(await child.heard('finished')).toBe('client');
  });

  it('has one timer for any number of connections, and none once the application has stopped', async () => {
    const started = jest.spyOn(globalThis, 'setInterval');
    const stopped = jest.spyOn(globalThis, 'clearInterval');
    const scene = await boot({ heartbeat: { intervalMs: 60_000, timeoutMs: 40_000 } });
    const peers = await Promise.all(Array.from({ length: 25 }, () => scene.open()));
    const timers = started.mock.results.flatMap(({ value }, index) =>
      started.mock.calls[index]?.[1] === 10_000 ? [value] : [],
    );
    expect(timers).toHaveLength(1);
    for (const peer of peers) peer.reset();
    await scene.finished.reached(25);
    await scene.app.app.close();
    expect(stopped.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(timers));
  });

  it('has the times of an endpoint over those of the module, and takes from the module what it leaves out', async () => {
    const finished = new Journal();
    class Base {
      @OnFinish()
      leave(connection: Connection, { initiator }: FinishInfo): void {
        finished.add(`${connection.endpoint.name} ${initiator}`);
      }
    }
    @WsEndpoint('machines')
    class Machines extends Base {}
    @WsEndpoint({ path: 'browsers', heartbeat: { intervalMs: 60_000 } })
    class Browsers extends Base {}
    @WsEndpoint({ path: 'kiosks', heartbeat: false })
    class Kiosks extends Base {}
    const heartbeat = { intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS };
    const app = await startApp({ endpoints: [Machines, Browsers, Kiosks], options: { heartbeat } });
    const silent = { autoPong: false };
    await app.connect('/ws/browsers', silent);
    await app.connect('/ws/kiosks', silent);
    for (let death = 0; death < 3; death++) {
      await app.connect('/ws/machines', silent);
      expect(await finished.next()).toBe('Machines heartbeat');
    }
    expect([app.registry.in(Browsers).size, app.registry.in(Kiosks).size]).toEqual([1, 1]);
  });

  it('goes on for an endpoint that has one where the module has none', async () => {
    const finished = new Journal();
    @WsEndpoint({ path: 'machines', heartbeat: { intervalMs: INTERVAL_MS, timeoutMs: TIMEOUT_MS } })
    class Machines {
      @OnFinish()
      leave(_connection: Connection, { initiator }: FinishInfo): void {
        finished.add(initiator);
      }
    }
    const app = await startApp({ endpoints: [Machines], options: { heartbeat: false } });
    await app.connect('/ws/machines', { autoPong: false });
    expect(await finished.next()).toBe('heartbeat');
  });

  it('can be switched off', async () => {
    const started = jest.spyOn(globalThis, 'setInterval');
    const scene = await boot({ heartbeat: false });
    await scene.open();
    expect(started.mock.calls.filter(([, delay]) => delay === 2_500)).toEqual([]);
  });

  it('does not bring a connection back that closes meanwhile', async () => {
    const scene = await boot({ closeTimeoutMs: 20 });
    const peer = await scene.open();
    const connection = await scene.established.next();
    await peer.nextFrame();
    connection.close(4000);
    expect(await scene.finished.next()).toMatchObject({ code: 4000, initiator: 'server' });
    expect(scene.finished.entries).toHaveLength(1);
  });
});
