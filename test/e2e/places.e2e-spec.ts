import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  OnError,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { close, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

interface Scene {
  readonly app: StartedApp;
  readonly peer: RawPeer;
  readonly connection: Connection;
  readonly working: Journal;
  readonly work: Gate;
  readonly over: Journal;
  /** The status that one more client gets. */
  readonly another: () => Promise<number>;
}

/** Handlers that never settle are not what a test waits for. */
const shutdown = { graceMs: 20 };

async function open(options: PlackWebSocketModuleOptions): Promise<Scene> {
  const opened = new Journal<Connection>();
  const working = new Journal();
  const over = new Journal();
  const work = new Gate();

  @WsEndpoint('any')
  class Any {
    @OnEstablish()
    enter(connection: Connection): void {
      connection.signal.addEventListener('abort', () => over.add('over'));
      opened.add(connection);
    }

    @OnMessage()
    async take(_connection: Connection, message: string): Promise<void> {
      working.add(message);
      await work.opened;
    }
  }
  const handshake: PlackWebSocketModuleOptions['handshake'] = (context) => void (context.user = 'ada');
  const app = await startApp({ endpoints: [Any], options: { heartbeat: false, handshake, shutdown, ...options } });
  const peer = await app.peer();
  await peer.upgrade({ path: '/ws/any' });
  const another = async (): Promise<number> => {
    const other = await app.peer();
    return (await other.upgrade({ path: '/ws/any' })).status;
  };
  return { app, peer, connection: await opened.next(), working, work, over, another };
}

describe('the place of a connection', () => {
  it('of its user is free as soon as it closes, though the client does not answer', async () => {
    const { connection, another } = await open({ limits: { maxConnectionsPerUser: 1 } });
    expect(await another()).toBe(429);
    connection.close(4000);
    expect(connection.state).toBe('closing');
    expect(await another()).toBe(101);
  });

  it('among all stays taken while a handler of it runs', async () => {
    const { peer, over, working, work, another } = await open({ limits: { maxConnections: 1 } });
    await peer.writeRaw(text('work'));
    await working.next();
    peer.reset();
    await over.next();
    expect(await another()).toBe(503);
    work.open();
    expect(await another()).toBe(101);
  });

  it('among all is free closeTimeoutMs after its end at the latest', async () => {
    const { peer, over, working, another } = await open({ limits: { maxConnections: 1 }, closeTimeoutMs: 50 });
    await peer.writeRaw(text('work'));
    await working.next();
    peer.reset();
    await over.next();
    const begin = performance.now();
    let status = await another();
    while (status === 503) status = await another();
    expect([status, performance.now() - begin < 2_000]).toEqual([101, true]);
  });
});

it('an @OnError without end keeps a connection whose @OnEstablish failed for closeTimeoutMs', async () => {
  @WsEndpoint('failing')
  class Failing {
    @OnEstablish()
    enter(): never {
      throw new Error('no');
    }

    @OnError()
    hang(): Promise<never> {
      return new Promise(() => undefined);
    }
  }
  const app = await startApp({ endpoints: [Failing], options: { closeTimeoutMs: 50, shutdown } });
  const peer = await app.peer();
  await peer.upgrade({ path: '/ws/failing' });
  expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 1011 });
  await peer.writeRaw(close(1011));
});
