import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { WebSocket } from 'ws';
import {
  Connection,
  OnEstablish,
  OnFinish,
  OnMessage,
  toDuplex,
  WsEndpoint,
  type FinishInfo,
} from '../../src/index.js';
import { fakeConnection } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { binary, frame, OPCODE, ping, text } from '../support/raw-frame.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

/** What an endpoint does with the socket, and when: a test says it. */
let take: (connection: Connection) => unknown = () => undefined;
let gate = new Gate();
let log = new Journal<unknown>();

@WsEndpoint('taken')
class TakenEndpoint {
  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    log.add('enter');
    await gate.opened;
    take(connection);
  }

  @OnMessage()
  message(_connection: Connection, message: unknown): void {
    log.add(['method', String(message)]);
  }

  @OnFinish()
  leave(_connection: Connection, { code, initiator }: FinishInfo): void {
    log.add(['finish', code, initiator]);
  }
}

/** Takes in the middle of a conversation. */
@WsEndpoint('switched')
class SwitchedEndpoint {
  @OnMessage()
  message(connection: Connection, message: unknown): string | undefined {
    if (String(message) !== 'switch') return `method ${String(message)}`;
    echoTo(connection.handOver() as WebSocket);
    return 'switched';
  }
}

/** A library that takes a socket of `ws`: answers with what came and how. */
function echoTo(socket: WebSocket): void {
  socket.on('message', (data: Buffer | ArrayBuffer | Buffer[], isBinary: boolean) => {
    const kind = Buffer.isBuffer(data) ? 'Buffer' : Object.prototype.toString.call(data);
    socket.send(
      `${kind} ${isBinary ? 'binary' : 'text'} ${String(data instanceof ArrayBuffer ? Buffer.from(data) : data)}`,
    );
  });
}

async function start(options: NonNullable<AppSpec['options']> = {}): Promise<StartedApp> {
  log = new Journal();
  gate = new Gate();
  return startApp({ endpoints: [TakenEndpoint, SwitchedEndpoint], options });
}

describe('a socket that is handed over', () => {
  it('gives its first listener what came while @OnEstablish was busy, in order', async () => {
    take = (connection) => echoTo(connection.handOver() as WebSocket);
    const app = await start();
    const peer = await app.peer();
    await peer.upgrade({
      path: '/ws/taken',
      extraBytes: Buffer.concat([text('a'), binary(Buffer.from('b')), text('c')]),
    });
    await log.reached(1);
    await peer.writeRaw(text('d'));
    await peer.writeRaw(ping());
    expect((await peer.nextFrame()).opcode).toBe(OPCODE.pong);
    gate.open();
    const answers = [];
    while (answers.length < 4) answers.push((await peer.nextFrame()).text);
    await peer.writeRaw(Buffer.concat([text('e'), binary(Buffer.from('f'))]));
    while (answers.length < 6) answers.push((await peer.nextFrame()).text);
    expect(answers).toEqual(
      ['text a', 'binary b', 'text c', 'text d', 'text e', 'binary f'].map((one) => `Buffer ${one}`),
    );
    expect(log.entries).toEqual(['enter']);
  });

  it('waits for a listener that comes later than the handing over', async () => {
    const later = new Gate();
    take = (connection) => {
      const socket = connection.handOver() as WebSocket;
      void later.opened.then(() => echoTo(socket));
    };
    const app = await start();
    gate.open();
    const client = await app.connect('/ws/taken');
    for (const message of ['a', 'b']) await client.send(message);
    client.raw.ping();
    await once(client.raw, 'pong');
    later.open();
    await client.send('c');
    expect([await client.next(), await client.next(), await client.next()]).toEqual([
      'Buffer text a',
      'Buffer text b',
      'Buffer text c',
    ]);
  });

  it.each(['nodebuffer', 'arraybuffer', 'fragments'] as const)('gives binary messages as %s', async (binaryType) => {
    take = (connection) => {
      const socket = connection.handOver() as WebSocket;
      socket.binaryType = binaryType;
      echoTo(socket);
    };
    const app = await start();
    const client = await app.connect('/ws/taken');
    await client.send(Buffer.from('a'));
    await log.reached(1);
    gate.open();
    const first = await client.next();
    await client.send(Buffer.from('a'));
    expect(await client.next()).toBe(first);
    expect(first).toMatch({ nodebuffer: /^Buffer/, arraybuffer: /ArrayBuffer/, fragments: /Array/ }[binaryType]);
  });

  it('is given in the middle of a conversation, with what waits behind it', async () => {
    const app = await start();
    const peer = await app.peer();
    const messages = ['one', 'switch', 'two', 'three'].map(text);
    await peer.upgrade({ path: '/ws/switched', extraBytes: Buffer.concat(messages) });
    const answers = [];
    while (answers.length < 4) answers.push((await peer.nextFrame()).text);
    expect(answers.toSorted()).toEqual(['Buffer text three', 'Buffer text two', 'method one', 'switched']);
  });

  it('gives nothing to handlers of the connection any more', async () => {
    take = (connection) => {
      connection.on('message', (_connection, message) => log.add(['handler', message]));
      echoTo(connection.handOver() as WebSocket);
    };
    const app = await start();
    gate.open();
    const client = await app.connect('/ws/taken');
    await client.send('a');
    expect(await client.next()).toBe('Buffer text a');
    expect(log.entries).toEqual(['enter']);
  });

  it('is the same when it is asked for again', async () => {
    take = (connection) => {
      const [first, second] = [connection.handOver(), connection.handOver()];
      log.add(first === second && first === connection.raw);
    };
    const app = await start();
    gate.open();
    await app.connect('/ws/taken');
    expect(await log.reached(2)).toEqual(['enter', true]);
  });

  it('pauses the peer when more waits than may', async () => {
    let socket: WebSocket | undefined;
    take = (connection) => (socket = connection.handOver() as WebSocket);
    const app = await start({ limits: { maxPendingMessages: 2 } });
    gate.open();
    const client = await app.connect('/ws/taken');
    await log.reached(1);
    for (let n = 0; n < 50; n++) await client.send(String(n));
    while (socket?.isPaused !== true) await new Promise((resolve) => setImmediate(resolve));
    echoTo(socket);
    const answers: unknown[] = [];
    while (answers.length < 50) answers.push(await client.next());
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => `Buffer text ${n}`));
  });

  it.each<[string, NonNullable<AppSpec['options']>, Buffer[], number]>([
    ['the size of a message', { limits: { maxPayloadBytes: 10 } }, [text('x'.repeat(20))], 1009],
    ['messages per second', { limits: { messagesPerSecond: 1 } }, ['a', 'b', 'c', 'd'].map(text), 1008],
  ])('keeps the limit on %s', async (_what, options, frames, code) => {
    take = (connection) => (connection.handOver() as WebSocket).on('message', () => undefined);
    const app = await start(options);
    gate.open();
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/taken' });
    await peer.writeRaw(Buffer.concat(frames));
    expect((await peer.nextFrame()).closeCode).toBe(code);
    peer.end();
    expect((await log.reached(2))[1]).toEqual(['finish', code, expect.stringMatching(/limit|error/)]);
  });

  it('keeps the heartbeat, which leaves alone who is not read', async () => {
    let taken = 0;
    take = (connection) => {
      const socket = connection.handOver() as WebSocket;
      socket.on('message', () => undefined);
      if (taken++ === 0) socket.pause();
    };
    const app = await start({ heartbeat: { intervalMs: 20, timeoutMs: 20 } });
    gate.open();
    const slow = await app.connect('/ws/taken');
    await log.reached(1);
    const gone = await app.connect('/ws/taken', { autoPong: false });
    expect((await gone.closed()).code).toBe(1006);
    expect(await log.reached(3)).toEqual(['enter', 'enter', ['finish', 1006, 'heartbeat']]);
    expect(slow.raw.readyState).toBe(slow.raw.OPEN);
  });

  it.each([
    ['with a listener', (socket: WebSocket) => echoTo(socket)],
    ['without one, while messages wait', () => undefined],
  ])('is drained %s', async (_what, listen) => {
    take = (connection) => listen(connection.handOver() as WebSocket);
    const app = await start();
    gate.open();
    const client = await app.connect('/ws/taken');
    await client.send('a');
    client.raw.ping();
    await once(client.raw, 'pong');
    await app.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    expect(log.entries).toEqual(['enter', ['finish', 1001, 'shutdown']]);
  });

  it('is finished when the peer leaves while messages wait', async () => {
    take = (connection) => connection.handOver();
    const app = await start();
    gate.open();
    const client = await app.connect('/ws/taken');
    await client.send('a');
    await client.close(4000);
    expect(await log.reached(2)).toEqual(['enter', ['finish', 4000, 'client']]);
    expect(app.registry.size).toBe(0);
  });

  it.each<[string, (socket: WebSocket) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('a secret of a listener');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('a secret of a listener');
      },
    ],
  ])('closes with 1011 when a listener %s, and others notice nothing', async (_what, fail) => {
    take = (connection) => {
      const socket = connection.handOver() as WebSocket;
      socket.on('message', (data: Buffer) => (data.toString() === 'bad' ? fail(socket) : undefined));
      echoTo(socket);
    };
    const app = await start();
    gate.open();
    const [one, other] = [await app.connect('/ws/taken'), await app.connect('/ws/taken')];
    await one.send('bad');
    expect(await one.closed()).toMatchObject({ code: 1011, reason: 'internal error' });
    await other.send('a');
    expect(await other.next()).toBe('Buffer text a');
    expect(app.logs.at('error').join()).toMatch(/A listener of the socket that TakenEndpoint handed over failed/);
  });
});

describe('toDuplex', () => {
  it('is a stream both ways, of which a slow side slows the other down', async () => {
    take = (connection) => {
      const stream = toDuplex(connection);
      stream.pipe(stream);
    };
    const app = await start({ limits: { maxPayloadBytes: 0 } });
    const client = await app.connect('/ws/taken');
    const sent = Array.from({ length: 40 }, (_, n) => Buffer.alloc(50_000, n));
    const writing = Promise.all(sent.map((bytes) => client.send(bytes)));
    await log.reached(1);
    gate.open();
    let received = 0;
    while (received < 2_000_000) received += (await client.next()).length;
    await writing;
    expect(received).toBe(2_000_000);
    await client.close(1000);
    expect((await log.reached(2))[1]).toEqual(['finish', 1000, 'client']);
  });

  it('closes the connection when it is ended', async () => {
    take = (connection) => toDuplex(connection).end('bye');
    const app = await start();
    gate.open();
    const client = await app.connect('/ws/taken');
    expect(await client.next()).toEqual(Buffer.from('bye'));
    expect((await client.closed()).clean).toBe(true);
    expect((await log.reached(2))[1]).toEqual(['finish', 1005, 'server']);
  });

  it('survives a fault of the peer without a listener for it', async () => {
    take = (connection) => toDuplex(connection).resume();
    const app = await start();
    gate.open();
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/taken' });
    await peer.writeRaw(frame({ rsv: 7, payload: 'x' }));
    expect((await peer.nextFrame()).closeCode).toBe(1002);
    peer.end();
    expect((await log.reached(2))[1]).toEqual(['finish', 1002, 'error']);
    expect(await (await app.connect('/ws/taken')).close()).toBeDefined();
  });

  it('says that a fake connection has no socket', () => {
    expect(() => toDuplex(fakeConnection())).toThrow('toDuplex takes a connection with a socket; a fake one has none.');
  });
});
