import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { binary, close, frame, OPCODE, ping, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const CLOSE_TIMEOUT_MS = 50;

const MORE_THAN_A_SOCKET_TAKES = Buffer.alloc(20_000_000);

let opened: Journal<Connection>;
let finished: Journal<FinishInfo>;
let handled: Journal;

/** What the handler of each message does, by its text. */
type Deeds = Record<string, (connection: Connection) => unknown>;

async function open(
  deeds: Deeds = {},
  options: PlackWebSocketModuleOptions = {},
  allowHalfOpen = false,
): Promise<{ app: StartedApp; peer: RawPeer; connection: Connection }> {
  @WsEndpoint('any')
  class Any {
    @OnEstablish()
    enter(connection: Connection): void {
      opened.add(connection);
    }

    @OnMessage()
    take(connection: Connection, message: string): unknown {
      handled.add(message);
      return deeds[message]?.(connection);
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  const app = await startApp({ endpoints: [Any], options: { heartbeat: false, ...options } });
  const peer = await app.peer({ allowHalfOpen });
  await peer.upgrade({ path: '/ws/any' });
  return { app, peer, connection: await opened.next() };
}

beforeEach(() => {
  opened = new Journal();
  finished = new Journal();
  handled = new Journal();
});

describe('what ended a connection first', () => {
  const later =
    (deed: (connection: Connection) => unknown) =>
    async (connection: Connection): Promise<void> => {
      await Promise.resolve();
      deed(connection);
    };

  it.each<[string, (connection: Connection) => unknown]>([
    ['closes', (connection) => connection.close(4000, 'late')],
    ['cuts it', (connection) => connection.terminate()],
  ])('stays the close frame of the client when a handler then %s', async (_how, deed) => {
    const { peer } = await open({ act: later(deed) });
    await peer.writeRaw(Buffer.concat([text('act'), close(4321, 'mine')]));
    expect(await finished.next()).toEqual(new FinishInfo(4321, 'mine', true, 'client'));
  });

  it('stays the close frame of the client when the application stops before the socket is closed', async () => {
    const { app, peer } = await open({}, {}, true);
    await peer.writeRaw(close(4321, 'mine'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 4321 });
    await app.app.close();
    expect(await finished.next()).toEqual(new FinishInfo(4321, 'mine', true, 'client'));
  });

  it('stays the fault of the client when a handler then closes', async () => {
    const { peer } = await open({ act: later((connection) => connection.close(4000)) });
    await peer.writeRaw(Buffer.concat([text('act'), frame({ rsv: 1, payload: 'x' })]));
    expect(await finished.next()).toMatchObject({ code: 1002, clean: false, initiator: 'error' });
  });

  it('stays the end of the stream of the client when a handler then closes', async () => {
    const { peer, connection } = await open();
    peer.pause();
    void connection.send(MORE_THAN_A_SOCKET_TAKES);
    peer.end();
    while (connection.state === 'open') await nextTurn();
    connection.close(4000);
    peer.reset();
    expect(await finished.next()).toEqual(new FinishInfo(1006, '', false, 'client'));
  });

  it('is the close of the application, and clean, when the close frames of both cross', async () => {
    const { peer, connection } = await open();
    await peer.writeRaw(close(4321));
    connection.close(4000);
    expect(await peer.nextFrame()).toMatchObject({ closeCode: 4000 });
    expect(await finished.next()).toEqual(new FinishInfo(4000, '', true, 'server'));
  });
});

describe('a client that ends its stream without a close frame', () => {
  it('has closeTimeoutMs to read what waits for it', async () => {
    const { peer, connection } = await open({}, { closeTimeoutMs: CLOSE_TIMEOUT_MS });
    peer.pause();
    void connection.send(MORE_THAN_A_SOCKET_TAKES);
    peer.end();
    expect(await finished.next()).toMatchObject({ code: 1006, clean: false, initiator: 'client' });
  });
});

describe('a stream of replies', () => {
  it('is not pulled any more once its connection closes', async () => {
    let pulled = 0;
    const { peer, connection } = await open({
      async *go() {
        for (;;) {
          pulled++;
          yield 'item';
          await nextTurn();
        }
      },
    });
    await peer.writeRaw(text('go'));
    await peer.nextFrame();
    connection.close(4000);
    const before = pulled;
    for (let turns = 0; turns < 20; turns++) await nextTurn();
    expect(connection.state).toBe('closing');
    // One item may have been asked for before.
    expect(pulled - before).toBeLessThanOrEqual(1);
  });
});

describe('a handler that closes', () => {
  it.each<[string, (connection: Connection) => unknown]>([
    [
      'returns',
      (connection) => {
        connection.close(4000);
        return 'bye';
      },
    ],
    [
      'resolves in the same turn',
      async (connection) => {
        connection.close(4000);
        return Promise.resolve('bye');
      },
    ],
    [
      'waited before',
      async (connection) => {
        await nextTurn();
        connection.close(4000);
        return 'bye';
      },
    ],
  ])('answers before the close frame when it %s', async (_how, act) => {
    const { peer } = await open({ act });
    await peer.writeRaw(text('act'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.text, text: 'bye' });
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 4000 });
    await peer.writeRaw(close(4000));
    expect(await finished.next()).toEqual(new FinishInfo(4000, '', true, 'server'));
  });

  it('sends nothing else after its close', async () => {
    const sent: unknown[] = [];
    const { peer } = await open({
      act: async (connection) => {
        connection.close(4000);
        sent.push(await connection.send('too late'), connection.to(connection.id).send('too late').matched);
        await nextTurn();
        await nextTurn();
        return 'too late';
      },
    });
    await peer.writeRaw(text('act'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 4000 });
    await peer.writeRaw(close(4000));
    await peer.ended();
    expect([sent, peer.unread.length]).toEqual([[false, 0], 0]);
  });

  it('sends its close frame before it answers that of the client', async () => {
    const { peer } = await open({ act: (connection) => connection.close(4000) });
    await peer.writeRaw(Buffer.concat([text('act'), close(4321)]));
    expect(await peer.nextFrame()).toMatchObject({ closeCode: 4000 });
    expect(await finished.next()).toEqual(new FinishInfo(4000, '', true, 'server'));
    peer.end();
    expect(peer.unread.length).toBe(0);
  });

  it('is closed at once by others', async () => {
    const { app, peer } = await open({
      act: (connection) => {
        void app.registry.to(connection.id).close(4001);
        return 'too late';
      },
    });
    await peer.writeRaw(text('act'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 4001 });
    expect(peer.unread.length).toBe(0);
  });
});

describe('the socket that raw gives', () => {
  it.each<[string, (socket: WebSocket) => unknown, FinishInfo]>([
    ['closes', (socket) => socket.close(4000, 'past you'), new FinishInfo(4000, 'past you', true, 'server')],
    ['cuts', (socket) => socket.terminate(), new FinishInfo(1006, '', false, 'server')],
  ])('%s the connection for the server, and no further message is handled', async (_how, deed, end) => {
    const { peer, connection } = await open({ act: ({ raw }) => deed(raw as WebSocket) });
    await peer.writeRaw(Buffer.concat([text('act'), text('late'), text('later'), close(4000)]));
    expect(await finished.next()).toEqual(end);
    expect(handled.entries).toEqual(['act']);
    expect(connection.state).toBe('closed');
  });

  it('cannot close with a code that may not be sent, which is an error of the handler', async () => {
    const { peer } = await open({ act: ({ raw }) => (raw as WebSocket).close(1006) });
    await peer.writeRaw(text('act'));
    expect((await peer.nextFrame()).closeCode).toBe(1011);
    await peer.writeRaw(close(1011));
    expect(await finished.next()).toMatchObject({ code: 1011, initiator: 'error' });
  });
});

it('a client that pings and does not read is cut by a limit', async () => {
  const { peer } = await open();
  await peer.writeRaw(Buffer.concat([...Array.from({ length: 65 }, () => ping()), text('late')]));
  expect(await finished.next()).toEqual(new FinishInfo(1006, '', false, 'limit'));
  expect(handled.entries).toEqual([]);
});

it('a gateway whose handleConnection fails closes for that error', async () => {
  const failure = new Error('not in');
  @WebSocketGateway({ path: '/gateway' })
  class Failing implements OnGatewayConnection {
    handleConnection(): never {
      throw failure;
    }
  }
  const app = await startApp({ providers: [Failing], options: { gateways: true } });
  app.registry.on('finish', (_connection, end) => finished.add(end));
  const peer = await app.peer({ allowHalfOpen: false });
  await peer.upgrade({ path: '/gateway' });
  await peer.writeRaw(close(1011));
  expect(await finished.next()).toEqual(new FinishInfo(1011, 'internal error', true, 'error', failure));
});

it('binary that the application wants as a Blob closes with 1003', async () => {
  const { peer, connection } = await open();
  (connection.raw as { binaryType: string }).binaryType = 'blob';
  await peer.writeRaw(binary(Buffer.of(1)));
  expect(await peer.nextFrame()).toMatchObject({ closeCode: 1003 });
});
