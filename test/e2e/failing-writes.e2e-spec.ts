import type { Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { Connection, FinishInfo, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { close, OPCODE, ping, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * An agent or a tunnel may put a `write` of its own on a socket, and that may throw. Only its connection may suffer.
 */

const FAILURE = new Error('the tunnel is gone');

interface Scene {
  readonly app: StartedApp;
  /** The connection whose socket fails from now on. */
  readonly ada: { readonly peer: RawPeer; readonly connection: Connection };
  readonly bob: { readonly peer: RawPeer; readonly connection: Connection };
  readonly finished: Journal<readonly [Connection, FinishInfo]>;
}

async function open(headers: Record<string, string>): Promise<Scene> {
  const opened = new Journal<Connection>();
  const finished = new Journal<readonly [Connection, FinishInfo]>();

  @WsEndpoint('chat')
  class Chat {
    @OnEstablish()
    enter(connection: Connection): void {
      opened.add(connection);
    }

    @OnMessage()
    async say(connection: Connection, message: string): Promise<unknown> {
      if (message === 'later') await Promise.resolve();
      if (message === 'close') connection.close(4000);
      if (message === 'all') connection.to('*').send(message);
      return message;
    }

    @OnFinish()
    leave(connection: Connection, end: FinishInfo): void {
      finished.add([connection, end]);
    }
  }

  const options = { heartbeat: false as const, compression: { thresholdBytes: 0 } };
  const app = await startApp({ endpoints: [Chat], options });
  const connect = async (): Promise<Scene['ada']> => {
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/chat', headers });
    return { peer, connection: await opened.next() };
  };
  return { app, ada: await connect(), bob: await connect(), finished };
}

function socketOf({ context }: Connection): Socket {
  return context.raw.socket;
}

function breakSocket(connection: Connection): void {
  socketOf(connection).write = () => {
    throw FAILURE;
  };
}

const CONNECTIONS: [string, Record<string, string>][] = [
  ['plain', {}],
  ['compressed', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }],
];

/** Each writes something to ada, and something to bob in the same event or soon after. */
const WRITES: [string, (scene: Scene) => unknown][] = [
  ['a reply', ({ ada, bob }) => Promise.all([ada.peer.writeRaw(text('now')), bob.peer.writeRaw(text('now'))])],
  ['replies of a burst', ({ ada, bob }) => Promise.all([ada, bob].map(({ peer }) => peer.writeRaw(burst())))],
  ['a late reply', ({ ada, bob }) => Promise.all([ada, bob].map(({ peer }) => peer.writeRaw(text('later'))))],
  ['sends of one tick', ({ ada, bob }) => void [ada, bob].map(({ connection }) => connection.send('sent'))],
  ['a broadcast', ({ app }) => void app.registry.broadcast('to all')],
  ['a broadcast of one of them', ({ bob }) => bob.peer.writeRaw(text('all'))],
  ['many broadcasts', ({ app }) => void ['1', '2', '3'].map((value) => app.registry.broadcast(value))],
  ['a large message', ({ ada, bob }) => void [ada, bob].map(({ connection }) => connection.send('x'.repeat(40_000)))],
  ['a ping', ({ ada, bob }) => [ada, bob].forEach(({ connection }) => void connection.ping())],
  ['a pong', ({ ada, bob }) => Promise.all([ada, bob].map(({ peer }) => peer.writeRaw(ping('p'))))],
];

function burst(): Buffer {
  return Buffer.concat(['1', '2', '3'].map(text));
}

/** Ways in which the closing handshake begins. */
const CLOSES: [string, (scene: Scene) => unknown][] = [
  ['the server closes', ({ ada }) => ada.connection.close(4000)],
  ['a handler closes', ({ ada }) => ada.peer.writeRaw(text('close'))],
  ['the peer closes', ({ ada }) => ada.peer.writeRaw(close(1000))],
  ['the peer breaks the protocol', ({ ada }) => ada.peer.writeRaw(Buffer.from([0xc1, 0x80, 0, 0, 0, 0]))],
];

// First of all tests, because the log counts lines of one kind instead of writing more than ten in a second.
it.each(CONNECTIONS)('a socket whose write throws leaves one line in the log (%s)', async (_name, headers) => {
  const { app, ada, finished } = await open(headers);
  breakSocket(ada.connection);
  app.registry.broadcast('one');
  app.registry.broadcast('two');
  await finished.next();
  expect(app.logs.at('error').filter((line) => line.includes(FAILURE.message))).toHaveLength(1);
});

describe.each(CONNECTIONS)('a socket whose write throws (%s)', (_name, headers) => {
  it.each(WRITES)('ends its own connection with 1006, others are served: %s', async (_what, write) => {
    const scene = await open(headers);
    breakSocket(scene.ada.connection);
    await write(scene);
    await scene.bob.peer.nextFrame();
    const [connection, end] = await scene.finished.next();
    expect(connection).toBe(scene.ada.connection);
    expect(end).toMatchObject({ code: 1006, clean: false, error: FAILURE });
    expect([...scene.app.registry]).toEqual([scene.bob.connection]);
    await scene.bob.connection.send('after it');
    expect(await textsUntil(scene.bob.peer)).toContain('after it');
  });

  it.each(CLOSES)('does not throw when it ends: %s', async (_what, start) => {
    const scene = await open(headers);
    breakSocket(scene.ada.connection);
    await start(scene);
    const [connection, end] = await scene.finished.next();
    expect(connection).toBe(scene.ada.connection);
    expect(end.clean).toBe(false);
  });

  it('tells the sender that nothing was sent', async () => {
    const { ada } = await open(headers);
    breakSocket(ada.connection);
    expect(await ada.connection.send('lost')).toBe(false);
    expect(await ada.connection.send('after it')).toBe(false);
  });
});

it('leaves the way of an application that writes through raw as it is: its callback hears of the fault', async () => {
  const { ada } = await open({});
  breakSocket(ada.connection);
  const raw = ada.connection.raw as { send(data: string, done: (error?: Error) => void): void };
  expect(await new Promise((resolve) => raw.send('lost', resolve))).toBe(FAILURE);
});

async function textsUntil(peer: RawPeer): Promise<string[]> {
  const seen: string[] = [];
  while (seen.at(-1) !== 'after it') {
    const { opcode, payload, rsv } = await peer.nextFrame();
    if (opcode !== OPCODE.text && opcode !== OPCODE.pong && opcode !== OPCODE.ping) throw new Error(`opcode ${opcode}`);
    seen.push(rsv === 0 ? payload.toString() : inflate(payload));
  }
  return seen;
}

function inflate(payload: Buffer): string {
  return inflateRawSync(Buffer.concat([payload, Buffer.of(0, 0, 0xff, 0xff)]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).toString();
}
