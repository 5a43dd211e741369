import { describe, expect, it } from '@jest/globals';
import type { PlackWebSocketModuleOptions } from '../../src/index.js';
import { close, frame, OPCODE, ping, text, type Frame, type FrameSpec } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { bombOf, compressed, deflate, inflate, offer } from './support/deflated.js';
import { closeOf, EchoScene } from './support/echo-scene.js';

function start(options: PlackWebSocketModuleOptions = {}): Promise<EchoScene> {
  return EchoScene.start({ options: { compression: { thresholdBytes: 0 }, ...options } });
}

/** A connection on which compression was agreed on. */
async function open(scene: EchoScene): Promise<RawPeer> {
  const { peer, answer } = await offer(scene, 'permessage-deflate');
  expect(answer.headers['sec-websocket-extensions']).toMatch(/^permessage-deflate\b/);
  return peer;
}

describe('RFC 7692 §6: compressed messages', () => {
  it('text and binary come back compressed, RSV1 on the first frame only', async () => {
    const peer = await open(await start());
    for (const [opcode, data] of [
      [OPCODE.text, 'Hello Hello Hello \u{1F600}'],
      [OPCODE.text, ''],
      [OPCODE.binary, Buffer.alloc(60_000, 7)],
    ] as const) {
      await peer.writeRaw(compressed(data, { opcode }));
      const echoed: Frame = await peer.nextFrame();
      expect([echoed.opcode, echoed.rsv, echoed.fin]).toEqual([opcode, 4, true]);
      expect(inflate(echoed.payload).equals(Buffer.from(data))).toBe(true);
    }
  });

  it('§7.2.3.1: the example of the document is understood', async () => {
    const scene = await start();
    const peer = await open(scene);
    const hello = Buffer.from('f248cdc9c90700', 'hex');
    await peer.writeRaw(frame({ rsv: 4, payload: hello }));
    await peer.writeRaw(
      Buffer.concat([
        frame({ rsv: 4, fin: false, payload: hello.subarray(0, 3) }),
        frame({ opcode: OPCODE.continuation, payload: hello.subarray(3) }),
      ]),
    );
    for (let count = 0; count < 2; count++) expect(inflate((await peer.nextFrame()).payload).toString()).toBe('Hello');
    expect(scene.received.entries).toEqual(['Hello', 'Hello']);
  });

  it('§6.2: a message that is not compressed passes as well, with a ping between compressed fragments', async () => {
    const peer = await open(await start());
    const payload = deflate('compressed in two frames');
    await peer.writeRaw(
      Buffer.concat([
        text('plain'),
        frame({ rsv: 4, fin: false, payload: payload.subarray(0, 5) }),
        ping('?'),
        frame({ opcode: OPCODE.continuation, payload: payload.subarray(5) }),
      ]),
    );
    const frames = [await peer.nextFrame(), await peer.nextFrame(), await peer.nextFrame()];
    const pong = frames.findIndex(({ opcode }) => opcode === OPCODE.pong);
    expect(frames.splice(pong, 1)).toMatchObject([{ rsv: 0, text: '?' }]);
    expect(frames.map(({ payload: bytes }) => inflate(bytes).toString())).toEqual([
      'plain',
      'compressed in two frames',
    ]);
  });

  it('what is smaller than thresholdBytes leaves as it is, in order with what is larger', async () => {
    const scene = await start({ compression: { thresholdBytes: 100 } });
    const peer = await open(scene);
    const connection = await scene.established.next();
    const sizes = [10, 5000, 99, 100, 3, 20_000];
    for (const size of sizes) void connection.send('x'.repeat(size));
    const seen: [number, number][] = [];
    while (seen.length < sizes.length) {
      const { rsv, payload } = await peer.nextFrame();
      seen.push([rsv, rsv === 4 ? inflate(payload).length : payload.length]);
    }
    expect(seen).toEqual(sizes.map((size) => [size < 100 ? 0 : 4, size]));
  });

  it('many compressed messages of one packet are handled in order', async () => {
    const peer = await open(await start({ compression: true }));
    const many = Array.from({ length: 200 }, (_, index) => `${index} ${'x'.repeat((index * 37) % 500)}`);
    await peer.writeRaw(Buffer.concat(many.map((message) => compressed(message))));
    for (const message of many) expect((await peer.nextFrame()).text).toBe(message);
  });

  it('with context takeover the window is kept, and released with the connection', async () => {
    const scene = await start({ compression: { thresholdBytes: 0, contextTakeover: true } });
    const peer = await open(scene);
    const message = Array.from({ length: 200 }, (_, index) => String.fromCharCode(33 + ((index * 7919) % 90))).join('');
    const sizes: number[] = [];
    for (let count = 0; count < 2; count++) {
      await peer.writeRaw(compressed(message));
      sizes.push((await peer.nextFrame()).payload.length);
    }
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) / 2);
    await peer.writeRaw(close(1000));
    await peer.ended();
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code: 1000, clean: true });
  });
});

describe('RFC 7692 §8: what a compressed message can do', () => {
  it('a bomb closes 1009 before it is large, in one frame or in many', async () => {
    const bomb = await bombOf(200 * 1024 * 1024);
    expect(bomb.length).toBeLessThan(250_000);
    const scene = await start({ limits: { maxPayloadBytes: 300_000 } });
    const peer = await open(scene);
    const before = process.memoryUsage.rss();
    await peer.writeRaw(frame({ rsv: 4, opcode: OPCODE.binary, payload: bomb }));
    expect((await closeOf(peer)).code).toBe(1009);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    const piecewise = await open(scene);
    await piecewise.writeRaw(frame({ rsv: 4, fin: false, opcode: OPCODE.binary, payload: bomb.subarray(0, 1000) }));
    await piecewise.writeRaw(frame({ opcode: OPCODE.continuation, payload: bomb.subarray(1000, 2000) }));
    expect((await closeOf(piecewise)).code).toBe(1009);
    expect(scene.received.entries).toEqual([]);
  });

  it.each<[string, FrameSpec, number]>([
    ['data that does not inflate', { rsv: 4, payload: Buffer.from('ffffffffffff', 'hex') }, 1007],
    ['text that is not UTF-8 once inflated', { rsv: 4, payload: deflate(Buffer.of(0xc3, 0x28)) }, 1007],
    ['RSV2', { rsv: 2, payload: 'x' }, 1002],
    ['RSV1 on a ping', { rsv: 4, opcode: OPCODE.ping }, 1002],
    ['RSV1 on a close', { rsv: 4, opcode: OPCODE.close }, 1002],
  ])('%s fails the connection and nobody else', async (_what, spec, code) => {
    const scene = await start();
    const [peer, other] = [await open(scene), await open(scene)];
    await peer.writeRaw(frame(spec));
    expect((await closeOf(peer)).code).toBe(code);
    peer.end();
    expect(await scene.finished.next()).toMatchObject({ code, initiator: 'error' });
    await other.writeRaw(compressed('unharmed'));
    expect(inflate((await other.nextFrame()).payload).toString()).toBe('unharmed');
  });

  it('a client that leaves while its messages are inflated is finished once, without noise', async () => {
    // Room for every echo: a peer whose end is heard late is no slow client.
    const scene = await start({ limits: { maxBufferedBytes: 50 * 60_000 } });
    for (const leave of ['end', 'reset'] as const) {
      const peer = await open(scene);
      await peer.writeRaw(Buffer.concat(Array(50).fill(compressed('x'.repeat(50_000)))));
      peer[leave]();
      expect(await scene.finished.next()).toMatchObject({ code: 1006, clean: false });
    }
    expect(scene.app.registry.size).toBe(0);
    expect(scene.app.logs.problems).toEqual([]);
  });
});
