import { describe, expect, it } from '@jest/globals';
import { Connection, MessageEncodingError, OnMessage, RawSerializer, WsEndpoint } from '../../src/index.js';
import { OPCODE, text } from '../support/raw-frame.js';
import { startApp } from '../support/start-app.js';

/** Each is the bytes 1 to 4. */
const VALUES: [string, () => unknown][] = [
  ['a Buffer', () => Buffer.of(1, 2, 3, 4)],
  ['a Uint8Array', () => Uint8Array.of(1, 2, 3, 4)],
  ['a view of a part', () => Uint8Array.of(0, 1, 2, 3, 4, 5).subarray(1, 5)],
  ['an Int16Array', () => new Int16Array(Uint8Array.of(1, 2, 3, 4).buffer)],
  ['a Float32Array', () => new Float32Array(Uint8Array.of(1, 2, 3, 4).buffer)],
  ['a BigUint64Array of none', () => new BigUint64Array(0)],
  ['a DataView', () => new DataView(Uint8Array.of(0, 1, 2, 3, 4).buffer, 1)],
  ['an ArrayBuffer', () => Uint8Array.of(1, 2, 3, 4).buffer],
  ['a SharedArrayBuffer', () => new Uint8Array(new SharedArrayBuffer(4)).map((_, i) => i + 1).buffer],
  ['a view of a SharedArrayBuffer', () => shared()],
];

function shared(): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(4));
  bytes.set([1, 2, 3, 4]);
  return bytes;
}

let value: () => unknown = () => undefined;

@WsEndpoint({ path: 'raw', serializer: 'raw' })
class RawEndpoint {
  @OnMessage()
  reply(): unknown {
    return value();
  }
}

@WsEndpoint({ path: 'json', serializer: 'json' })
class JsonEndpoint {
  @OnMessage('get')
  reply(): unknown {
    return value();
  }

  @OnMessage()
  send(connection: Connection): void {
    void connection.send(value());
  }
}

describe.each(VALUES)('%s', (name, make) => {
  const expected = name.endsWith('of none') ? [] : [1, 2, 3, 4];

  it.each([
    ['raw', '"get"'],
    ['json', '{"event":"get","id":7}'],
    ['json', '"send"'],
  ])('is bytes at /ws/%s, asked for with %s, and in a broadcast', async (path, question) => {
    value = make;
    const app = await startApp({ endpoints: [RawEndpoint, JsonEndpoint] });
    const peer = await app.peer();
    await peer.upgrade({ path: `/ws/${path}` });
    await peer.writeRaw(text(question));
    const reply = await peer.nextFrame();
    expect([reply.opcode, [...reply.payload]]).toEqual([OPCODE.binary, expected]);
    app.registry.broadcast(make());
    const broadcast = await peer.nextFrame();
    expect([broadcast.opcode, [...broadcast.payload]]).toEqual([OPCODE.binary, expected]);
  });

  it('is bytes for the raw serializer alone', () => {
    expect([...(new RawSerializer().encode(make()) as Uint8Array)]).toEqual(expected);
  });
});

describe("the pool of Node's Buffers", () => {
  it.each(['raw', 'json'])('is refused, with the advice to send the Buffer, at /ws/%s', async (path) => {
    const app = await startApp({ endpoints: [RawEndpoint, JsonEndpoint] });
    const client = await app.connect(`/ws/${path}`);
    const [connection] = app.registry;
    const secret = Buffer.from('of another');
    await expect(connection?.send(secret.buffer)).rejects.toThrow(MessageEncodingError);
    await expect(connection?.send(secret.buffer)).rejects.toThrow(/send the Buffer, not its \.buffer/);
    await connection?.send(secret);
    expect(await client.next()).toEqual(secret);
  });
});
