import { describe, expect, it } from '@jest/globals';
import { Gate } from '../support/journal.js';
import { binary, close, fragments, frame, OPCODE, ping, pong, text } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { closeOf, EchoScene } from './support/echo-scene.js';

/** Sends bytes that end the connection and tells how: the close code on the wire, and what finish was told. */
async function endBy(scene: EchoScene, bytes: Uint8Array): Promise<object> {
  const peer = await scene.open();
  await peer.writeRaw(bytes);
  const { code: sent } = await closeOf(peer);
  expect(await peer.ended()).toBe('fin');
  peer.end();
  const { code: told, clean, initiator, error } = await scene.finished.next();
  return { sent, told, clean, initiator, isError: error instanceof Error };
}

/** The end of a connection that broke the protocol or a limit. */
function failed(code: number): object {
  return { sent: code, told: code, clean: false, initiator: 'error', isError: true };
}

async function texts(peer: RawPeer, count: number): Promise<string[]> {
  const read: string[] = [];
  while (read.length < count) read.push((await peer.nextFrame()).text);
  return read;
}

describe('messages and frames', () => {
  it('4.2 #46 text comes back exactly, empty, false-like, in any script and at every length encoding', async () => {
    const peer = await (await EchoScene.start()).open();
    const messages = ['', '0', 'false', 'grüße', '\u{1F600}', ...[125, 126, 65_535, 65_536].map((n) => 'x'.repeat(n))];
    for (const message of messages) {
      await peer.writeRaw(text(message));
      const echoed = await peer.nextFrame();
      expect(echoed).toMatchObject({ fin: true, rsv: 0, opcode: OPCODE.text, masked: false });
      expect(echoed.text === message).toBe(true);
    }
  });

  it('4.2 #47 a message above 64 KiB closes 1009 by default', async () => {
    const scene = await EchoScene.start();
    expect(await endBy(scene, text('x'.repeat(65_537)))).toEqual(failed(1009));
    expect(scene.received.entries).toEqual([]);
  });

  it('4.2 #48 maxPayloadBytes counts the message, not its frames', async () => {
    const scene = await EchoScene.start({ options: { limits: { maxPayloadBytes: 16 } } });
    const peer = await scene.open();
    await peer.writeRaw(Buffer.concat([text('x'.repeat(16)), ...fragments(['12345678', '87654321'])]));
    expect(await texts(peer, 2)).toEqual(['x'.repeat(16), '1234567887654321']);
    expect(await endBy(scene, text('x'.repeat(17)))).toEqual(failed(1009));
    expect(await endBy(scene, Buffer.concat(fragments(['x'.repeat(16), 'x'.repeat(16)])))).toEqual(failed(1009));
  });

  it('4.2 #49 maxPayloadBytes of 0 is no limit', async () => {
    const scene = await EchoScene.start({
      options: { limits: { maxPayloadBytes: 0 } },
      onMessage: (_connection, message) => String(message.length),
    });
    const peer = await scene.open();
    await peer.writeRaw(text('x'.repeat(3_000_000)));
    expect((await peer.nextFrame()).text).toBe('3000000');
  });

  it('4.2 #50 a header that announces 4 GB closes 1009 at once', async () => {
    const scene = await EchoScene.start();
    expect(await endBy(scene, frame({ claimedLength: 2n ** 32n, lengthBits: 64, payload: 'x' }))).toEqual(failed(1009));
  });

  it('4.2 #51 a length with its top bit set closes 1009, also without a limit', async () => {
    const bytes = frame({ claimedLength: 2n ** 63n + 5n, lengthBits: 64, payload: 'hello' });
    expect(await endBy(await EchoScene.start(), bytes)).toEqual(failed(1009));
    expect(await endBy(await EchoScene.start({ options: { limits: { maxPayloadBytes: 0 } } }), bytes)).toEqual(
      failed(1009),
    );
  });

  it('4.2 #52 binary arrives as bytes and comes back as binary', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    const bytes = Buffer.of(0x00, 0x01, 0xfe);
    await peer.writeRaw(binary(bytes));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.binary, payload: bytes });
    expect(await scene.received.next()).toEqual(bytes);
  });

  it('4.2 #53 text that is not UTF-8 closes 1007 and reaches no handler', async () => {
    const scene = await EchoScene.start();
    const invalid = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0xaf]];
    for (const bytes of invalid)
      expect(await endBy(scene, frame({ payload: Buffer.from(bytes) }))).toEqual(failed(1007));
    expect(scene.received.entries).toEqual([]);
  });

  it('4.2 #54 fragments are put together, a character across them too, and a ping between them is answered', async () => {
    const peer = await (await EchoScene.start()).open();
    const [left, right] = [Buffer.from('€').subarray(0, 1), Buffer.from('€').subarray(1)];
    const [first = Buffer.alloc(0), ...rest] = fragments(['a', left, '', right, '', 'z']);
    await peer.writeRaw(Buffer.concat([first, ping('?'), ...rest]));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong, text: '?' });
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.text, text: 'a€z' });
  });

  it('4.2 #55 a message in 128 frames passes, in 129 it closes 1008', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    const message = Buffer.concat(fragments(Array(128).fill('x')));
    await peer.writeRaw(Buffer.concat([message, message]));
    expect(await texts(peer, 2)).toEqual(['x'.repeat(128), 'x'.repeat(128)]);
    expect(await endBy(scene, Buffer.concat(fragments(Array(129).fill('x'))))).toEqual(failed(1008));
    expect(await endBy(scene, Buffer.concat(fragments(Array(129).fill(''))))).toEqual(failed(1008));
  });

  it('4.2 #56 100 fragments of 60 KB close 1009 when their sum passes the limit', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    const parts = fragments(Array(100).fill('x'.repeat(60_000)));
    for (const part of parts) void peer.writeRaw(part);
    expect((await closeOf(peer)).code).toBe(1009);
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1009, initiator: 'error' });
    expect(scene.received.entries).toEqual([]);
  });

  it('4.2 #57 a continuation of nothing closes 1002', async () => {
    const scene = await EchoScene.start();
    expect(await endBy(scene, frame({ opcode: OPCODE.continuation, payload: 'x' }))).toEqual(failed(1002));
    expect(await endBy(scene, frame({ opcode: OPCODE.continuation, payload: 'x', fin: false }))).toEqual(failed(1002));
  });

  it('4.2 #58 a new message inside a fragmented one closes 1002', async () => {
    const scene = await EchoScene.start();
    expect(await endBy(scene, Buffer.concat([frame({ payload: 'a', fin: false }), text('b')]))).toEqual(failed(1002));
    expect(await endBy(scene, Buffer.concat([frame({ payload: 'a', fin: false }), binary(Buffer.of(1))]))).toEqual(
      failed(1002),
    );
  });

  it('4.2 #59 a frame without a mask closes 1002', async () => {
    expect(await endBy(await EchoScene.start(), frame({ payload: 'x', mask: false }))).toEqual(failed(1002));
  });

  it('4.2 #60 a reserved bit without an extension closes 1002', async () => {
    const scene = await EchoScene.start();
    for (const rsv of [4, 2, 1, 7]) expect(await endBy(scene, frame({ payload: 'x', rsv }))).toEqual(failed(1002));
  });

  it('4.2 #61 a reserved opcode closes 1002', async () => {
    const scene = await EchoScene.start();
    for (const opcode of [3, 7, 11, 15])
      expect(await endBy(scene, frame({ opcode, payload: 'x' }))).toEqual(failed(1002));
  });

  it('4.2 #62 a ping is answered by a pong with its body', async () => {
    const peer = await (await EchoScene.start()).open();
    for (const body of ['', 'ping', 'x'.repeat(125)]) {
      await peer.writeRaw(ping(body));
      expect(await peer.nextFrame()).toMatchObject({ fin: true, opcode: OPCODE.pong, text: body, masked: false });
    }
  });

  it('4.2 #63 a ping of 126 bytes, or in fragments, closes 1002', async () => {
    const scene = await EchoScene.start();
    expect(await endBy(scene, ping('x'.repeat(126)))).toEqual(failed(1002));
    expect(await endBy(scene, frame({ opcode: OPCODE.ping, fin: false, payload: 'x' }))).toEqual(failed(1002));
  });

  it('4.2 #64 a pong that nobody asked for is ignored', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    await peer.writeRaw(Buffer.concat([pong(), pong('unasked'), text('still here')]));
    expect(await texts(peer, 1)).toEqual(['still here']);
    expect(scene.received.entries).toEqual(['still here']);
  });

  it('4.2 #65 frames byte by byte, and a thousand in one packet, are handled in order', async () => {
    const turns = [Promise.resolve(), undefined, new Promise((resolve) => setImmediate(resolve))];
    const scene = await EchoScene.start({
      onMessage: async (_connection, message) => {
        await turns[Number(message) % 3];
        return message;
      },
    });
    const peer = await scene.open();
    await peer.writeByteByByte(Buffer.concat([text('1'), text('2')]));
    expect(await texts(peer, 2)).toEqual(['1', '2']);
    const many = Array.from({ length: 1000 }, (_, index) => String(index));
    await peer.writeRaw(Buffer.concat(many.map((message) => text(message))));
    expect(await texts(peer, 1000)).toEqual(many);
  });

  it('4.2 #66 of a partial frame before a FIN nothing is delivered; what was complete is', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    await peer.writeRaw(Buffer.concat([text('whole'), text('partial').subarray(0, 8)]));
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1006, clean: false, initiator: 'client' });
    expect(scene.received.entries).toEqual(['whole']);
  });

  it('4.2 #67 a message right behind the request reaches handlers that establish adds', async () => {
    const heard: unknown[] = [];
    const scene = await EchoScene.start({
      onEstablish: (connection) => void connection.on('message', (_connection, message) => void heard.push(message)),
    });
    const peer = await scene.open({ extraBytes: text('at once') });
    expect(await texts(peer, 1)).toEqual(['at once']);
    expect(heard).toEqual(['at once']);
  });

  it('4.2 #68 messages wait until an asynchronous establish has settled', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    const scene = await EchoScene.start({
      onEstablish: async (connection) => {
        await gate.opened;
        connection.on('message', (_connection, message) => void heard.push(message));
      },
    });
    const peer = await scene.open({ extraBytes: text('first') });
    await peer.writeRaw(Buffer.concat([text('second'), ping('read')]));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong, text: 'read' });
    expect(scene.received.entries).toEqual([]);
    gate.open();
    expect(await texts(peer, 2)).toEqual(['first', 'second']);
    expect(heard).toEqual(['first', 'second']);
  });

  it('4.2 #69 what establish sends arrives before anything else', async () => {
    const scene = await EchoScene.start({ onEstablish: (connection) => void connection.send('welcome') });
    const peer = await scene.open({ extraBytes: text('hello') });
    expect(await texts(peer, 2)).toEqual(['welcome', 'hello']);
    await peer.writeRaw(close(1000));
    expect((await closeOf(peer)).code).toBe(1000);
  });
});

describe('a serializer of text only', () => {
  it('closes 1003 for a binary message where nobody takes binary', async () => {
    const scene = await EchoScene.start({ options: { serializer: 'json' } });
    const peer = await scene.open();
    await peer.writeRaw(binary(Buffer.of(1, 2, 3)));
    expect((await closeOf(peer)).code).toBe(1003);
    await peer.writeRaw(close(1003));
    expect(await peer.ended()).toBe('fin');
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1003, clean: true, initiator: 'error' });
  });
});
