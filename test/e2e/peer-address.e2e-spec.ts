import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { ping, text } from '../support/raw-frame.js';
import { upgradeRequest } from '../support/raw-http.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const ADDRESS = '127.0.0.1';

let addresses: Journal;
let began: Journal;
let afterTheEnd: Gate;

const note = (connection: Connection): void => addresses.add(connection.context.ip);

async function noteLate(connection: Connection): Promise<void> {
  began.add('began');
  await afterTheEnd.opened;
  note(connection);
}

@WsEndpoint('plain')
class Plain {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint('finish')
class WithFinish {
  @OnFinish()
  leave(connection: Connection): void {
    note(connection);
  }
}

@WsEndpoint('cut-by-us')
class CutByUs {
  @OnMessage()
  say(connection: Connection): void {
    connection.terminate();
    note(connection);
  }
}

@WsEndpoint('noted')
class Noted {
  @OnMessage()
  say(connection: Connection): void {
    note(connection);
  }
}

@WsEndpoint('late-message')
class LateMessage {
  @OnMessage()
  say(connection: Connection): Promise<void> {
    return noteLate(connection);
  }
}

@WsEndpoint('late-establish')
class LateEstablish {
  @OnEstablish()
  enter(connection: Connection): Promise<void> {
    return noteLate(connection);
  }
}

// A socket tells the address of its peer only while it is open, or if it was asked before.
describe('the address of a client whose connection was cut', () => {
  let app: StartedApp;

  beforeEach(async () => {
    addresses = new Journal();
    began = new Journal();
    afterTheEnd = new Gate();
    app = await startApp({ endpoints: [Plain, WithFinish, CutByUs, Noted, LateMessage, LateEstablish] });
  });

  async function open(path: string): Promise<RawPeer> {
    const peer = await app.peer();
    await peer.upgrade({ path });
    return peer;
  }

  const onlyOne = (): Connection => [...app.registry][0] as Connection;

  it('is known in @OnFinish', async () => {
    (await open('/ws/finish')).reset();
    expect(await addresses.next()).toBe(ADDRESS);
  });

  it('is known to the finish handlers of a connection', async () => {
    const peer = await open('/ws/plain');
    onlyOne().on('finish', note);
    peer.reset();
    expect(await addresses.next()).toBe(ADDRESS);
  });

  it('is known to whoever listens to its signal', async () => {
    const peer = await open('/ws/plain');
    const connection = onlyOne();
    connection.signal.addEventListener('abort', () => note(connection));
    peer.reset();
    expect(await addresses.next()).toBe(ADDRESS);
  });

  it('is known to handlers of the registry, also of connections that were there before them', async () => {
    const before = await open('/ws/plain');
    app.registry.on('finish', note);
    const after = await open('/ws/plain');
    before.reset();
    after.reset();
    expect(await addresses.reached(2)).toEqual([ADDRESS, ADDRESS]);
  });

  it.each(['late-message', 'late-establish'])('is known to a method that outlives it: %s', async (path) => {
    const peer = await open(`/ws/${path}`);
    await peer.writeRaw(text('hello'));
    await began.next();
    peer.reset();
    while (app.registry.size > 0) await new Promise((resolve) => setImmediate(resolve));
    afterTheEnd.open();
    expect(await addresses.next()).toBe(ADDRESS);
  });

  it('is known to a handler that cuts the connection itself', async () => {
    const peer = await open('/ws/cut-by-us');
    await peer.writeRaw(text('hello'));
    expect(await addresses.next()).toBe(ADDRESS);
  });

  it('is known at the end of a connection that is cut for its pings', async () => {
    app.registry.on('finish', note);
    const peer = await open('/ws/plain');
    // For pongs that have not left, or for its rate: which comes first depends on how much one turn reads.
    await peer.writeRaw(Buffer.concat(Array.from({ length: 2_000 }, () => ping())));
    expect(await addresses.next()).toBe(ADDRESS);
  });

  it.each(['/ws/plain', '/nowhere'])(
    'leaves nothing open of a client that resets before it is read: %s',
    async (path) => {
      const server = app.app.getHttpServer();
      const connections = (): Promise<number> =>
        new Promise((resolve, reject) =>
          server.getConnections((error, n) => (error === null ? resolve(n) : reject(error))),
        );
      for (let i = 0; i < 10; i++) {
        const peer = await app.peer();
        await peer.writeRaw(upgradeRequest({ path }));
        if (i % 2 === 0) peer.end();
        peer.reset();
      }
      while ((await connections()) > 0 || app.registry.size > 0) await new Promise((resolve) => setImmediate(resolve));
      expect(app.registry.size).toBe(0);
    },
  );
});
