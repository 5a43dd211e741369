import { describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { Connection, MessageEncodingError, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Journal } from '../support/journal.js';
import { OPCODE } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';
import { take } from '../support/take.js';

@WsEndpoint('raw')
class Raw {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

@WsEndpoint({ path: 'json', serializer: 'json' })
class Json extends Raw {}

async function open(
  path = '/ws/raw',
  spec: AppSpec = {},
): Promise<{ app: StartedApp; client: QueuedClient; connection: Connection }> {
  const app = await startApp({ endpoints: [Raw, Json], ...spec });
  const client = await app.connect(path);
  const [connection] = app.registry;
  if (connection === undefined) throw new Error('The connection is not in the registry.');
  return { app, client, connection };
}

describe('the state of a connection', () => {
  it('goes from establishing over open and closing to closed', async () => {
    const states = new Journal();
    @WsEndpoint('states')
    class States {
      @OnEstablish()
      enter({ state }: Connection): void {
        states.add(state);
      }

      @OnMessage()
      take(connection: Connection): void {
        states.add(connection.state);
        connection.close();
        states.add(connection.state);
      }

      @OnFinish()
      leave({ state }: Connection): void {
        states.add(state);
      }
    }
    const { client } = await open('/ws/states', { endpoints: [States] });
    void client.send('go');
    await states.reached(4);
    expect(states.entries).toEqual(['establishing', 'open', 'closing', 'closed']);
  });

  it('carries who and what the connection is', async () => {
    const { app, connection } = await open();
    await app.connect('/ws/raw');
    const [, other] = app.registry;
    // 144 random bits behind what no channel begins with by chance.
    expect(connection.id).toMatch(/^conn[\w-]{24}$/);
    expect(other?.id).not.toBe(connection.id);
    expect(connection.endpoint).toBe(Raw);
    expect(connection.raw).toBeInstanceOf(WebSocket);
    expect(connection).toMatchObject({ protocol: '', bufferedBytes: 0, state: 'open' });
  });

  it('has data of its own, to be filled or replaced', async () => {
    const { app, connection } = await open();
    await app.connect('/ws/raw');
    const [, other] = app.registry;
    connection.data['name'] = 'alice';
    if (other !== undefined) other.data = { name: 'bob' };
    expect([connection.data, other?.data]).toEqual([{ name: 'alice' }, { name: 'bob' }]);
  });
});

describe('send', () => {
  // jest fails a test during which a rejection is not handled, so nothing has to listen for it here.
  it('gives true when the socket took the message', async () => {
    const { client, connection } = await open();
    expect(await connection.send('text \xe9')).toBe(true);
    expect(await connection.send(Buffer.from([1]))).toBe(true);
    expect(await take(client, 2)).toEqual(['text é', Buffer.from([1])]);
  });

  it('keeps the order, whatever is awaited', async () => {
    const { client, connection } = await open();
    const sent = Array.from({ length: 50 }, (_, index) => connection.send(`${index}`));
    expect(await take(client, 50)).toEqual(sent.map((_, index) => `${index}`));
    expect(new Set(await Promise.all(sent))).toEqual(new Set([true]));
  });

  it('gives false once the connection closes, in finish handlers, and after the end', async () => {
    const results = new Journal<boolean>();
    const { client, connection } = await open();
    connection.on('finish', async () => results.add(await connection.send('in finish')));
    connection.close();
    results.add(await connection.send('after close'));
    await client.closed();
    await results.reached(2);
    results.add(await connection.send('after the end'));
    expect(results.entries).toEqual([false, false, false]);
    expect(client.pending).toBe(0);
  });

  it.each<[string, (peer: RawPeer, connection: Connection) => void]>([
    ['the peer resets', (peer) => peer.reset()],
    ['this side cuts the connection', (_peer, connection) => connection.terminate()],
  ])('gives false when %s before the socket took the message', async (_how, cut) => {
    const { app } = await open();
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/raw' });
    peer.pause();
    const connection = [...app.registry][1] as Connection;
    const sent = [connection.send(Buffer.alloc(32 * 1024 * 1024)), connection.send('behind it')];
    await new Promise((resolve) => setImmediate(resolve));
    expect(connection.bufferedBytes).toBeGreaterThan(0);
    cut(peer, connection);
    expect(await Promise.all(sent)).toEqual([false, false]);
  });

  it.each<[string, string, unknown]>([
    ['raw', 'undefined', undefined],
    ['raw', 'null', null],
    ['raw', 'an object', { a: 1 }],
    ['json', 'undefined', undefined],
    ['json', 'a BigInt', 1n],
    ['json', 'a function', () => 1],
  ])('rejects on a %s endpoint for %s, harmlessly if ignored', async (path, _what, value) => {
    const { app, client, connection } = await open(`/ws/${path}`);
    void connection.send(value);
    await expect(connection.send(value)).rejects.toThrow(MessageEncodingError);
    expect(app.logs.at('error')).toHaveLength(2);
    await connection.send('"still here"');
    expect(String(await client.next())).toContain('still here');
    expect(connection.state).toBe('open');
  });

  it.each(['raw', 'json'])('sends bytes as they are on a %s endpoint', async (path) => {
    const { client, connection } = await open(`/ws/${path}`);
    await connection.send(Uint8Array.of(9, 8, 7).subarray(1));
    expect(await client.next()).toEqual(Buffer.from([8, 7]));
  });

  it('sends the bytes as they were, whatever becomes of them', async () => {
    const { client, connection } = await open();
    const bytes = Buffer.from('before');
    void connection.send(bytes);
    bytes.fill('x');
    expect(await client.next()).toEqual(Buffer.from('before'));
  });
});

describe('close', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'sends the code %i with its reason',
    async (code) => {
      const { client, connection } = await open();
      connection.close(code, 'because');
      expect(await client.closed()).toEqual({ code, reason: 'because', clean: true });
    },
  );

  it.each([
    [undefined, 1000],
    [1005, 1000],
    [1006, 1011],
    [1015, 1011],
  ])('sends %p, which cannot travel, as %i', async (code, sent) => {
    const { client, connection } = await open();
    connection.close(code);
    expect(await client.closed()).toEqual({ code: sent, reason: '', clean: true });
  });

  it.each([0, -1, 999, 1004, 1016, 1100, 2999, 5000, 65_536, 1000.5, Number.NaN, '1000'])(
    'throws a RangeError for %p and changes nothing',
    async (code) => {
      const { client, connection } = await open();
      expect(() => connection.close(code as number)).toThrow(RangeError);
      expect(connection.state).toBe('open');
      expect(await connection.send('open')).toBe(true);
      expect(await client.next()).toBe('open');
    },
  );

  it.each([
    ['x'.repeat(123), 'x'.repeat(123)],
    ['x'.repeat(124), 'x'.repeat(123)],
    ['é'.repeat(62), 'é'.repeat(61)],
    [`x${'\u{1F600}'.repeat(31)}`, `x${'\u{1F600}'.repeat(30)}`],
  ])('cuts the reason to 123 bytes between characters (%#)', async (reason, sent) => {
    const { client, connection } = await open();
    connection.close(4000, reason);
    expect(await client.closed()).toEqual({ code: 4000, reason: sent, clean: true });
  });

  it('lets what was sent before leave first, and counts once', async () => {
    const { app } = await open();
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/raw' });
    const [, connection] = app.registry;
    void connection?.send('last words');
    connection?.close(4001, 'first');
    connection?.close(4002, 'second');
    expect((await peer.nextFrame()).text).toBe('last words');
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 4001, closeReason: 'first' });
    expect(peer.unread).toHaveLength(0);
  });

  it('works from @OnEstablish', async () => {
    @WsEndpoint('leave')
    class Leave {
      @OnEstablish()
      enter(connection: Connection): void {
        connection.close(4406);
      }
    }
    const client = await (await startApp({ endpoints: [Leave] })).connect('/ws/leave');
    expect(await client.closed()).toMatchObject({ code: 4406, clean: true });
  });

  it('does nothing after the end, like terminate and ping', async () => {
    const { client, connection } = await open();
    const finished = new Promise((resolve) => connection.on('finish', resolve));
    await client.terminate();
    await finished;
    connection.close();
    connection.terminate();
    void connection.ping();
    expect(connection.state).toBe('closed');
  });
});

it('ping sends a ping, and terminate cuts without a close frame', async () => {
  const { app } = await open();
  const peer = await app.peer();
  await peer.upgrade({ path: '/ws/raw' });
  const [, connection] = app.registry;
  void connection?.ping();
  expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.ping });
  connection?.terminate();
  await peer.ended();
  expect(peer.unread).toHaveLength(0);
});
