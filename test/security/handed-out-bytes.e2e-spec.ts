import { describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnMessage, Serializer, WsEndpoint } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { binary, fragments, OPCODE, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * `message.buffer` is the message: what an application is given has an ArrayBuffer of its own. In one that is shared, such
 * as the pool of Node's Buffers, stands what others sent, and `new Uint8Array(message.buffer)` is quickly written.
 */

const seen = new Journal<Buffer>();
const gate = { current: new Gate() };

@WsEndpoint('binary')
class BinaryEndpoint {
  @OnEstablish()
  enter(): Promise<void> {
    return gate.current.opened;
  }

  @OnMessage({ binary: true })
  take(_connection: Connection, message: Buffer): void {
    seen.add(message);
  }
}

@WsEndpoint('any')
class AnyEndpoint {
  @OnMessage()
  take(_connection: Connection, message: string | Buffer): void {
    if (typeof message !== 'string') seen.add(message);
  }
}

@WsEndpoint('handler')
class HandlerEndpoint {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.on('message', (_connection, message) => seen.add(message as Buffer));
  }

  @OnMessage({ binary: true })
  take(): void {}
}

class Bytes extends Serializer {
  override encode(value: unknown): string {
    return String(value);
  }

  override decode(data: string | Buffer): unknown {
    seen.add(data as Buffer);
    return data;
  }
}

@WsEndpoint({ path: 'serializer', serializer: new Bytes() })
class SerializerEndpoint {
  @OnMessage()
  take(): void {}
}

@WsEndpoint('echo')
class BufferEchoEndpoint {
  /** What an application writes that has no use for a view. */
  @OnMessage({ binary: true })
  echo(_connection: Connection, message: Buffer): unknown {
    return message.buffer;
  }
}

const ENDPOINTS = [BinaryEndpoint, AnyEndpoint, HandlerEndpoint, SerializerEndpoint, BufferEchoEndpoint];
const WAYS: [string, Record<string, string>][] = [
  ['plain', {}],
  ['compressed', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }],
];
const PAYLOADS = [0, 1, 3, 40, 125, 126, 1_000, 5_000, 65_000].map((length) => Buffer.alloc(length, 'p'));

async function open(
  path: string,
  headers: Record<string, string>,
  extraBytes?: Buffer,
): Promise<[StartedApp, RawPeer]> {
  const options = { compression: { thresholdBytes: 0 }, heartbeat: false as const };
  const app = await startApp({ endpoints: ENDPOINTS, options });
  const peer = await app.peer();
  await peer.upgrade({ path, headers, ...(extraBytes === undefined ? {} : { extraBytes }) });
  return [app, peer];
}

interface Seen {
  readonly bytes: Buffer;
  readonly byteOffset: number;
  /** Bytes of the whole ArrayBuffer. */
  readonly around: number;
}

async function take(count: number): Promise<Seen[]> {
  const taken: Seen[] = [];
  while (taken.length < count) {
    const message = await seen.next();
    taken.push({ bytes: message, byteOffset: message.byteOffset, around: message.buffer.byteLength });
  }
  return taken;
}

function alone(bytes: Buffer | string): Seen {
  return { bytes: Buffer.from(bytes), byteOffset: 0, around: bytes.length };
}

describe.each(WAYS)('binary messages of a connection (%s) stand alone in their ArrayBuffer', (_name, headers) => {
  it.each(['/ws/any', '/ws/handler', '/ws/serializer', '/ws/binary'])('one by one, at %s', async (path) => {
    gate.current.open();
    const [, peer] = await open(path, headers);
    for (const payload of PAYLOADS) {
      await peer.writeRaw(binary(payload));
      expect(await take(1)).toEqual([alone(payload)]);
    }
  });

  it('in one read, between texts', async () => {
    const [, peer] = await open('/ws/any', headers);
    await peer.writeRaw(Buffer.concat(PAYLOADS.flatMap((payload) => [text('é'), binary(payload), text('a')])));
    expect(await take(PAYLOADS.length)).toEqual(PAYLOADS.map(alone));
  });

  it('in fragments, and byte by byte', async () => {
    const [, peer] = await open('/ws/any', headers);
    await peer.writeRaw(
      Buffer.concat(
        fragments(
          ['ab', '', 'cde'].map((part) => Buffer.from(part)),
          OPCODE.binary,
        ),
      ),
    );
    await peer.writeByteByByte(binary(Buffer.from('fghij')));
    expect(await take(2)).toEqual(['abcde', 'fghij'].map(alone));
  });

  it('that came with the request, and waited for @OnEstablish', async () => {
    gate.current = new Gate();
    const early = ['early', 'and another'].map((payload) => binary(Buffer.from(payload)));
    const [, peer] = await open('/ws/binary', headers, Buffer.concat(early));
    await peer.writeRaw(binary(Buffer.from('late')));
    gate.current.open();
    expect(await take(3)).toEqual(['early', 'and another', 'late'].map(alone));
  });

  it('so that the buffer sent back is the message and nothing else', async () => {
    const [, peer] = await open('/ws/echo', headers);
    await peer.writeRaw(Buffer.concat([text('secret'), binary(Buffer.from('one')), binary(Buffer.from('two'))]));
    const { rsv, payload } = await peer.nextFrame();
    if (rsv === 0) expect(payload.toString()).toBe('one');
    else expect(payload.length).toBeLessThan(20);
  });
});
