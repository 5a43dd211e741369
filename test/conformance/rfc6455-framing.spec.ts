import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { patient } from '../support/patience.js';
import { binary, fragments, frame, OPCODE, ping, text, type FrameSpec } from '../support/raw-frame.js';
import { closeOf, EchoScene } from './support/echo-scene.js';

async function closeCodeFor(...specs: FrameSpec[]): Promise<number | undefined> {
  const scene = await EchoScene.start();
  const peer = await scene.open();
  await peer.writeRaw(Buffer.concat(specs.map(frame)));
  const { code } = await closeOf(peer);
  expect(scene.received.entries).toEqual([]);
  return code;
}

describe('RFC 6455 §5: framing', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536])('§5.2: %i bytes come back in the shortest form', async (size) => {
    const peer = await (await EchoScene.start()).open();
    await peer.writeRaw(binary(Buffer.alloc(size, 0x5a)));
    const before = peer.socket.bytesRead - peer.unread.length;
    const { payload, masked, fin } = await peer.nextFrame();
    expect([payload.length, masked, fin]).toEqual([size, false, true]);
    const header = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    expect(peer.socket.bytesRead - before).toBe(header + size);
  });

  it.each<[string, FrameSpec]>([
    ['16 bits', { payload: 'hi', lengthBits: 16 }],
    ['64 bits', { payload: 'hi', lengthBits: 64 }],
  ])('§5.2: a short length in %s is harmless', async (_what, spec) => {
    const peer = await (await EchoScene.start()).open();
    await peer.writeRaw(frame(spec));
    expect((await peer.nextFrame()).text).toBe('hi');
  });

  it.each<[string, Uint8Array]>([
    ['nothing', Uint8Array.of(0, 0, 0, 0)],
    ['all bits', Uint8Array.of(255, 255, 255, 255)],
    ['any key', Uint8Array.of(1, 2, 3, 4)],
  ])('§5.3: a mask of %s is taken off', async (_what, mask) => {
    const peer = await (await EchoScene.start()).open();
    await peer.writeRaw(frame({ payload: 'masked text', mask }));
    expect((await peer.nextFrame()).text).toBe('masked text');
  });

  it('§5.4: a message that is never finished is delivered to nobody', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    await peer.writeRaw(frame({ payload: 'begun', fin: false }));
    await peer.writeRaw(ping('in between'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong });
    peer.reset();
    await scene.finished.next();
    expect(scene.received.entries).toEqual([]);
  });

  it.each<[string, FrameSpec[], number]>([
    ['§5.1: an unmasked close', [{ opcode: OPCODE.close, mask: false }], 1002],
    ['§5.1: an unmasked ping', [{ opcode: OPCODE.ping, mask: false }], 1002],
    ['§5.2: RSV1 on a control frame', [{ opcode: OPCODE.ping, rsv: 4 }], 1002],
    ['§5.2: RSV1 on a continuation', [{ fin: false }, { opcode: OPCODE.continuation, rsv: 4 }], 1002],
    ['§5.2: the reserved control opcode 12', [{ opcode: 12 }], 1002],
    ['§5.4: binary inside text', [{ fin: false }, { opcode: OPCODE.binary }], 1002],
    ['§5.5: a fragmented close', [{ opcode: OPCODE.close, fin: false }], 1002],
    ['§5.5: a pong of 126 bytes', [{ opcode: OPCODE.pong, payload: 'x'.repeat(126) }], 1002],
    ['§5.5: a ping in the 16-bit form', [{ opcode: OPCODE.ping, payload: 'x'.repeat(200), lengthBits: 16 }], 1002],
    ['§5.6: half a character', [{ payload: Buffer.from('€').subarray(0, 2) }], 1007],
    ['§8.1: a surrogate', [{ payload: Buffer.of(0xed, 0xa0, 0x80) }], 1007],
    ['§8.1: an overlong form', [{ payload: Buffer.of(0xc0, 0x80) }], 1007],
    [
      '§8.1: bad text across fragments',
      [
        { payload: Buffer.of(0xe2), fin: false },
        { opcode: 0, payload: Buffer.of(0x28, 0xa1) },
      ],
      1007,
    ],
  ])('%s fails the connection', async (_what, specs, code) => {
    expect(await closeCodeFor(...specs)).toBe(code);
  });

  it('§5.5: after a frame that failed the connection nothing is handled, not even a ping', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    await peer.writeRaw(Buffer.concat([text('before'), frame({ rsv: 7 }), text('after'), ping('after')]));
    expect((await peer.nextFrame()).text).toBe('before');
    expect((await closeOf(peer)).code).toBe(1002);
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread).toHaveLength(0);
    expect(scene.received.entries).toEqual(['before']);
  });

  it('§5.5.3: pings that arrive in one packet are each answered, in order', async () => {
    const peer = await (await EchoScene.start()).open();
    const bodies = Array.from({ length: 20 }, (_, index) => String(index));
    await peer.writeRaw(Buffer.concat(bodies.map((body) => ping(body))));
    for (const body of bodies) expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong, text: body });
  });

  it('§5.5.2: who pings without end and never reads is bounded, and cut', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open();
    peer.pause();
    const burst = Buffer.concat(Array(2000).fill(ping('x'.repeat(125))));
    const pour = (): unknown => peer.socket.writable && peer.socket.write(burst, () => setImmediate(pour));
    pour();
    expect(await scene.finished.next(patient(10_000))).toMatchObject({ code: 1006, clean: false });
    peer.reset();
  });

  it('any cut of any messages into frames and packets arrives as those messages', async () => {
    const scene = await EchoScene.start();
    const message = fc.record({
      parts: fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 5 }),
      pings: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 97 }),
        async (all, step) => {
          const peer = await scene.open();
          const frames = all.flatMap(({ parts, pings }) =>
            fragments(parts, OPCODE.binary).flatMap((part) => (pings ? [part, ping('p')] : [part])),
          );
          const bytes = Buffer.concat(frames);
          for (let at = 0; at < bytes.length; at += step) void peer.writeRaw(bytes.subarray(at, at + step));
          for (const { parts } of all) {
            let echoed = await peer.nextFrame();
            while (echoed.opcode === OPCODE.pong) echoed = await peer.nextFrame();
            expect(echoed).toMatchObject({ opcode: OPCODE.binary, fin: true, payload: Buffer.concat(parts) });
          }
          peer.reset();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('any bytes at all end in a close frame, a cut or silence, and never in harm for others', async () => {
    const scene = await EchoScene.start({ options: { closeTimeoutMs: 20 } });
    const bystander = await scene.open();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 }), async (packets) => {
        const peer = await scene.open();
        for (const packet of packets) await peer.writeRaw(packet);
        peer.end();
        await scene.finished.next();
        await peer[Symbol.asyncDispose]();
      }),
      { numRuns: 150 },
    );
    await bystander.writeRaw(text('unharmed'));
    expect((await bystander.nextFrame()).text).toBe('unharmed');
    expect(scene.app.registry.size).toBe(1);
    expect(scene.app.logs.at('error')).toEqual([]);
  });
});
