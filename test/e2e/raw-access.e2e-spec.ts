import { errorMonitor, once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { WebSocket } from 'ws';
import { Connection, ConnectionRegistry, OnMessage, WsEndpoint } from '../../src/index.js';
import { EchoEndpoint, lastOpened } from '../support/echo-endpoint.js';
import { frame, OPCODE, ping, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * What an application may do to the WebSocket, the socket and the server below this library, and what must still be true.
 */

@WsEndpoint('later')
class LaterEndpoint extends EchoEndpoint {
  @OnMessage()
  override async echo(_connection: Connection, message: string | Buffer): Promise<unknown> {
    await setImmediate();
    return message;
  }
}

interface Scene {
  readonly app: StartedApp;
  readonly peer: RawPeer;
  readonly connection: Connection;
  readonly raw: WebSocket;
  readonly socket: Socket;
}

async function open(path = '/ws/echo'): Promise<Scene> {
  const app = await startApp({ providers: [EchoEndpoint, LaterEndpoint] });
  const peer = await app.peer();
  await peer.upgrade({ path });
  const connection = lastOpened();
  return { app, peer, connection, raw: connection.raw as WebSocket, socket: connection.context.raw.socket };
}

async function echo(peer: RawPeer, messages: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  for (const message of messages) {
    await peer.writeRaw(text(message));
    answers.push((await peer.nextFrame()).payload.toString());
  }
  return answers;
}

describe('a socket whose write is wrapped', () => {
  it('gives bytes that stay what they were, however long the wrapper keeps them', async () => {
    const { peer, socket } = await open();
    const kept: (string | Uint8Array)[] = [];
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]): boolean => {
      kept.push(args[0] as string | Uint8Array);
      return write(...args);
    };
    const messages = ['one', 'two', 'six'];
    expect(await echo(peer, messages)).toEqual(messages);
    expect(Buffer.concat(kept.map((part) => Buffer.from(part)))).toEqual(
      Buffer.concat(messages.map((payload) => frame({ payload, mask: false }))),
    );
  });
});

describe('the ws socket of a connection', () => {
  it('tells a monitor of errors without a listener for errors', async () => {
    const { peer, raw } = await open();
    const told: unknown[] = [];
    raw.on(errorMonitor, (error: NodeJS.ErrnoException) => told.push(error.code));
    await peer.writeRaw(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close });
    expect(told).toEqual(['WS_ERR_UNEXPECTED_RSV_1']);
  });

  it('tells its listeners as many values as there are', async () => {
    const { peer, raw } = await open();
    const pinged = once(raw, 'ping');
    await peer.writeRaw(ping('x'));
    expect(await pinged).toEqual([Buffer.from('x')]);
    const own: unknown[] = [];
    raw.on('own', (...values: unknown[]) => own.push(values));
    for (const values of [[], [1], [1, 2, 3]]) raw.emit('own', ...values);
    expect(own).toEqual([[], [1], [1, 2, 3]]);
  });

  it.each(['nodebuffer', 'arraybuffer', 'fragments'] as const)(
    'hands messages to the endpoint as Buffers when its binaryType is %s',
    async (binaryType) => {
      for (const path of ['/ws/echo', '/ws/later']) {
        const { peer, raw } = await open(path);
        raw.binaryType = binaryType;
        const [one, two] = ['one', 'two'].map((payload) => frame({ opcode: OPCODE.binary, payload }));
        await peer.writeRaw(Buffer.concat([one ?? '', two ?? ''].map((bytes) => Buffer.from(bytes))));
        for (const payload of ['one', 'two']) {
          expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.binary, payload: Buffer.from(payload) });
        }
      }
    },
  );

  it('closes with 1003 when its binaryType is blob, which nobody can read in order', async () => {
    const { peer, raw } = await open();
    (raw as { binaryType: string }).binaryType = 'blob';
    await peer.writeRaw(frame({ opcode: OPCODE.binary, payload: 'one' }));
    const { opcode, payload } = await peer.nextFrame();
    expect([opcode, payload.readUInt16BE(0)]).toEqual([OPCODE.close, 1003]);
  });
});

describe('a peer that ended its side', () => {
  it('gets all that had been sent, although a broadcast was on its way', async () => {
    const { app, peer, connection, socket } = await open();
    peer.pause();
    const chunk = 'x'.repeat(60_000);
    let sentBytes = 0;
    while (connection.bufferedBytes < 300_000) {
      void connection.send(chunk);
      sentBytes += chunk.length + 4;
      await setImmediate();
    }
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    let isTaken: Promise<boolean> | undefined;
    // The end arrives while the broadcast, and a message behind it, wait for their turn.
    socket.prependOnceListener('end', () => {
      app.app.get(ConnectionRegistry).broadcast('late');
      isTaken = connection.send('later');
    });
    const ended = once(socket, 'end');
    peer.end();
    await ended;
    peer.resume();
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread.length).toBeGreaterThanOrEqual(sentBytes);
    expect(errors).toEqual([]);
    // Without the fast path it leaves at once, before the end; either way the sender hears what became of it.
    expect(await isTaken).toBe(process.env['PLACK_WS_FAST_PATH'] === 'off');
  });
});

describe('a peer that sends one large message byte by byte', () => {
  it('is closed with 1008 where ws keeps every byte as a chunk, before that costs much', async () => {
    const app = await startApp({ providers: [EchoEndpoint], options: { compression: true } });
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/echo', headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } });
    const { socket } = lastOpened().context.raw;
    // What the network would deliver, one read for each byte, without its time.
    socket.emit('data', Buffer.from(frame({ payload: Buffer.alloc(60_000) }).subarray(0, 8)));
    for (let i = 0; i < 20_000; i++) socket.emit('data', Buffer.alloc(1));
    const { opcode, payload } = await peer.nextFrame();
    expect([opcode, payload.readUInt16BE(0)]).toEqual([OPCODE.close, 1008]);
  });
});

describe('an upgrade that somebody makes up for another listener', () => {
  it.each(['websocket', 'other'])('reaches it untouched, though it has no raw headers (%s)', async (upgrade) => {
    const app = await startApp({ providers: [EchoEndpoint] });
    const server: Server = app.app.getHttpServer();
    const reached: unknown[] = [];
    server.on('upgrade', (request) => reached.push(request));
    const socket = new PassThrough();
    const request = { method: 'GET', url: '/foreign', headers: { connection: 'upgrade', upgrade } };
    server.emit('upgrade', request, socket, Buffer.alloc(0));
    expect(reached).toEqual([request]);
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});
