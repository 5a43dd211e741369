import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { frameBinary, frameText } from '../../../src/websocket/protocol/frame.js';
import { FrameArena, MAX_ARENA_LENGTH } from '../../../src/websocket/adapter/ws/frame-arena.js';
import { frame, OPCODE, parseFrame } from '../../support/raw-frame.js';

/** Lengths on both sides of each change of the length field (RFC 6455 §5.2). */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537];

describe('a frame of the server', () => {
  it.each(LENGTHS)('of %i bytes is unmasked, whole, and has the shortest length field', (length) => {
    const payload = Buffer.alloc(length, 'x');
    expect(frameText('x'.repeat(length)).equals(frame({ payload, mask: false }))).toBe(true);
    expect(frameBinary(payload).equals(frame({ payload, mask: false, opcode: OPCODE.binary }))).toBe(true);
  });

  it('carries any text as valid UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const read = parseFrame(frameText(text));
        expect(read?.value).toMatchObject({
          fin: true,
          rsv: 0,
          opcode: OPCODE.text,
          masked: false,
          text: Buffer.from(text).toString(),
        });
        expect(read?.length).toBe(frameText(text).length);
      }),
    );
  });

  it('carries any bytes, and is not changed with them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const before = Buffer.from(bytes);
        const framed = frameBinary(bytes);
        bytes.fill(0xff);
        expect(parseFrame(framed)?.value).toMatchObject({ opcode: OPCODE.binary, payload: before });
      }),
    );
  });
});

describe('an arena of frames', () => {
  const texts = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 140 }),
      fc
        .tuple(fc.constantFrom('x', 'é', '€', '\u{1F600}'), fc.integer({ min: 30, max: MAX_ARENA_LENGTH / 2 }))
        .map(([one, n]) => one.repeat(n)),
    ),
    { maxLength: 25 },
  );

  it('holds the frames that would be made one by one, and never writes over one', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const arena = new FrameArena();
        const slices = all.map((text) => {
          arena.reserve(text);
          const start = arena.position;
          arena.write(text);
          return arena.block.buffer.subarray(start, arena.position);
        });
        expect(Buffer.concat(slices).equals(Buffer.concat(all.map(frameText)))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('writes over what is given back, and over nothing else', () => {
    fc.assert(
      fc.property(texts, fc.infiniteStream(fc.nat(3)), (all, choices) => {
        const arena = new FrameArena();
        const held: { readonly slice: Buffer; readonly expected: Buffer }[] = [];
        for (const text of all) {
          arena.reserve(text);
          const start = arena.position;
          arena.write(text);
          held.push({ slice: arena.block.buffer.subarray(start, arena.position), expected: frameText(text) });
          // Sometimes the one written last, sometimes one before it, which cannot be used again yet.
          const given = held.splice(-1 - (choices.next().value ?? 0), 1)[0];
          if (given !== undefined) arena.giveBack(given.slice);
          for (const { slice, expected } of held) expect(slice.equals(expected)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('serves any number of frames that are given back at once from the same bytes', () => {
    const arena = new FrameArena();
    const { buffer } = arena.block;
    for (let i = 0; i < 1_000; i++) {
      arena.reserve('some text');
      arena.write('some text');
      arena.giveBack(buffer.subarray(0, arena.position));
      expect(arena.position).toBe(0);
    }
    expect(arena.block.buffer).toBe(buffer);
  });
});
