import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Param } from '@nestjs/common';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, type FinishInfo } from 'nestjs-plack-websocket';
import { WebSocket, WebSocketServer } from 'ws';
import { Journal } from '../../support/journal.js';
import { patient } from '../../support/patience.js';
import { afterTest, startApp } from '../../support/start-app.js';

let UPSTREAM = '';

// #region bridge
interface Bridge {
  upstream: WebSocket;
}

@WsEndpoint('bridge/:station')
class BridgeEndpoint {
  /** Messages of the client wait until this is over. */
  @OnEstablish()
  async enter(connection: Connection<unknown, Bridge>, @Param('station') station: string): Promise<void> {
    const upstream = new WebSocket(`${UPSTREAM}/${encodeURIComponent(station)}`, { handshakeTimeout: 5_000 });
    connection.data = { upstream };

    let sending = 0;
    upstream.on('message', (data: Buffer, isBinary) => {
      sending++;
      upstream.pause(); // until the client has read it: a slow client slows the other side down
      void connection.send(isBinary ? data : data.toString()).then(() => {
        if (--sending === 0) upstream.resume();
      });
    });
    upstream.on('error', () => {}); // 'close' follows
    upstream.on('close', (code, reason) => {
      // 1006 is never sent. 1014 says that it was the other side that failed.
      connection.close(code === 1006 ? 1014 : code, reason.toString());
    });
    await new Promise((resolve) => upstream.once('open', resolve).once('close', resolve));
  }

  /** The next message waits until this one is written; meanwhile the client is not read for long. */
  @OnMessage()
  pass({ data }: Connection<unknown, Bridge>, message: string | Buffer): Promise<void> {
    return new Promise((resolve) => data.upstream.send(message, () => resolve()));
  }

  @OnFinish()
  leave({ data }: Connection<unknown, Bridge>, { code, reason }: FinishInfo): void {
    if (code === 1005) data.upstream.close();
    else data.upstream.close(code === 1006 ? 1001 : code, reason);
  }
}
// #endregion bridge

/** The server on the other side: echoes, and does what a test wants with its sockets. */
async function startUpstream(verifyClient?: () => boolean): Promise<Journal<WebSocket>> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    ...(verifyClient !== undefined && { verifyClient }),
  });
  await once(server, 'listening');
  UPSTREAM = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  afterTest(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const sockets = new Journal<WebSocket>();
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer, isBinary) => socket.send(data, { binary: isBinary }));
    sockets.add(socket);
  });
  return sockets;
}

const closeOf = (socket: WebSocket): Promise<[number, Buffer]> => once(socket, 'close') as Promise<[number, Buffer]>;

describe('the bridge of docs/guide/11-recipes.md', () => {
  it('passes texts and bytes in order, those of the first moment too', async () => {
    await startUpstream();
    const app = await startApp({ endpoints: [BridgeEndpoint] });
    const client = await app.connect('/ws/bridge/north');
    const bytes = Buffer.from([0, 255]);
    for (const message of ['one', bytes, 'two']) void client.send(message);
    expect([await client.next(), await client.next(), await client.next()]).toEqual(['one', bytes, 'two']);
    expect(app.logs.problems).toEqual([]);
  });

  it.each([
    ['a code of its own', (socket: WebSocket) => socket.close(4001, 'enough'), { code: 4001, reason: 'enough' }],
    ['no code', (socket: WebSocket) => socket.close(), { code: 1000, reason: '' }],
    ['a cut', (socket: WebSocket) => socket.terminate(), { code: 1014, reason: '' }],
  ])('tells the client of an end of the other side with %s', async (_end, end, expected) => {
    const sockets = await startUpstream();
    const app = await startApp({ endpoints: [BridgeEndpoint] });
    const client = await app.connect('/ws/bridge/north');
    end(await sockets.next());
    expect(await client.closed()).toMatchObject({ ...expected, clean: true });
    expect(app.logs.problems).toEqual([]);
  });

  it('tells the client where the other side refuses', async () => {
    await startUpstream(() => false);
    const app = await startApp({ endpoints: [BridgeEndpoint] });
    const client = await app.connect('/ws/bridge/north');
    expect(await client.closed()).toMatchObject({ code: 1014, clean: true });
    expect(app.logs.problems).toEqual([]);
  });

  it.each([
    ['a code of its own', (socket: WebSocket) => socket.close(4002, 'bye'), 4002, 'bye'],
    ['no code', (socket: WebSocket) => socket.close(), 1005, ''],
    ['a cut', (socket: WebSocket) => socket.terminate(), 1001, ''],
  ])('tells the other side of an end of the client with %s', async (_end, end, code, reason) => {
    const sockets = await startUpstream();
    const app = await startApp({ endpoints: [BridgeEndpoint] });
    const client = await app.connect('/ws/bridge/north');
    const ended = closeOf(await sockets.next());
    end(client.raw);
    const [gotCode, gotReason] = await ended;
    expect([gotCode, gotReason.toString()]).toEqual([code, reason]);
  });

  it('slows down the other side for a client that does not read', async () => {
    const sockets = await startUpstream();
    const app = await startApp({ endpoints: [BridgeEndpoint], options: { limits: { maxBufferedBytes: 1_000_000 } } });
    const client = await app.connect('/ws/bridge/north');
    const socket = await sockets.next();
    client.raw.pause();
    for (let count = 0; count < COUNT; count++) socket.send(piece);
    socket.send('end');
    // A bridge that goes on reading has it all after some turns, and its client is closed with 1013.
    await held(() => socket.bufferedAmount);
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    client.raw.resume();
    for (let count = 0; count < COUNT; count++) expect((await client.next()) as Buffer).toHaveLength(piece.length);
    expect(await client.next()).toBe('end');
    expect(app.logs.problems).toEqual([]);
  });

  it('slows down a client for the other side that does not read', async () => {
    const sockets = await startUpstream();
    const app = await startApp({ endpoints: [BridgeEndpoint] });
    const client = await app.connect('/ws/bridge/north');
    const socket = await sockets.next();
    socket.removeAllListeners('message').pause();
    for (let count = 0; count < COUNT; count++) void client.send(piece);
    await held(() => client.raw.bufferedAmount);
    expect(client.raw.bufferedAmount).toBeGreaterThan(0);
    const heard = new Journal<number>();
    socket.on('message', (data: Buffer) => heard.add(data.length));
    socket.resume();
    expect(await heard.reached(COUNT, patient(10_000))).toHaveLength(COUNT);
    expect(client.state).toBe('open');
  });
});

const piece = Buffer.alloc(64 * 1024);
/** Together more than the buffers of the system and of the bridge hold. */
const COUNT = 400;

/** Waits until a number has been the same for many turns of the event loop. */
async function held(look: () => number): Promise<void> {
  for (let last = look(), turns = 0; turns < 2_000; turns++) {
    await nextTurn();
    if (look() !== last) [last, turns] = [look(), 0];
  }
}
