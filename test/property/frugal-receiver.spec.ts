import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import * as wsPackage from 'ws';
import { makeFrugal, type Listened } from '../../src/websocket/adapter/ws/frugal-receiver.js';
import { passesTrial } from '../../src/websocket/adapter/ws/receiver-trial.js';
import type { Receiver, ReceiverClass } from '../../src/websocket/adapter/ws/ws-internals.js';
import { close, frame, OPCODE } from '../support/raw-frame.js';

const { Receiver } = wsPackage as unknown as { Receiver: ReceiverClass };

/** ASCII, UTF-8 of two bytes that a length may cut, and what is no UTF-8. */
const filling = fc.constantFrom('payload', 'payload', 'payload', 'é', Buffer.of(0xff));

/** Data frames in fragments or whole, control frames between them, and now and then what no frame may be. */
const someFrame = fc
  .record({
    opcode: fc.constantFrom(OPCODE.text, OPCODE.binary, OPCODE.continuation, OPCODE.ping, OPCODE.pong, 3),
    fin: fc.boolean(),
    // The lengths around a header, a mask and each change of the length field are the ones that can go wrong.
    length: fc.oneof(fc.constantFrom(0, 1, 2, 4, 8, 125, 126, 127, 65_535, 65_536), fc.nat(300)),
    rsv: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
    filled: filling,
  })
  .map(({ length, filled, ...rest }) => frame({ ...rest, payload: Buffer.alloc(length, filled) }));

const wholeMessages = fc
  .record({
    opcode: fc.constantFrom(OPCODE.text, OPCODE.binary, OPCODE.ping),
    length: fc.nat(125),
    filled: filling,
  })
  .map(({ opcode, length, filled }) => frame({ opcode, payload: Buffer.alloc(length, filled) }));

const someClose = fc.constantFrom(close(), close(1000, 'bye'), close(4001), close(1005), close(1000, Buffer.of(0xff)));

const script = fc.array(
  fc.oneof({ arbitrary: wholeMessages, weight: 8 }, { arbitrary: someFrame, weight: 2 }, someClose),
  { minLength: 1, maxLength: 12 },
);
const cuts = fc.array(
  fc.integer({ min: 1, max: 70_000 }).map((n) => (n % 3 === 0 ? n : (n % 11) + 1)),
  {
    minLength: 1,
    maxLength: 30,
  },
);

interface Reading {
  readonly receiver: Receiver;
  readonly seen: (readonly unknown[])[];
}

function listening(listeners: number): Listened {
  return {
    listenerCount: () => listeners,
    isUnfinished: false,
    isYielding: false,
    noteUnfinished: () => undefined,
    noteEmptyFragment: () => undefined,
  };
}

function read(frugal: boolean, receiverClass = Receiver): Reading {
  const receiver = new receiverClass({ isServer: true });
  const seen: (readonly unknown[])[] = [];
  if (frugal) makeFrugal(receiver, listening(0));
  for (const event of ['message', 'ping', 'pong', 'conclude', 'error', 'finish', 'close']) {
    receiver.on(event, (...args) => seen.push([event, ...args]));
  }
  return { receiver, seen };
}

/** Buffers are written down at the end only, so that one that was handed out and overwritten shows. */
function told({ seen }: Reading): unknown {
  return seen.map((event) => event.map((part) => (Buffer.isBuffer(part) ? part.toString('latin1') : String(part))));
}

function feed(readings: readonly Reading[], bytes: Buffer, sizes: readonly number[]): void {
  for (let start = 0, i = 0; start < bytes.length; i++) {
    // Pieces grow with each round, so that a large payload does not take a write for every few bytes.
    const end = start + (sizes[i % sizes.length] ?? 1) * 2 ** Math.floor(i / sizes.length);
    for (const { receiver, seen } of readings) {
      // After a close frame `ws` stops listening to its socket; after a fault it may not have heard of it yet.
      if (!seen.some(([event]) => event === 'conclude')) receiver.write(Buffer.from(bytes.subarray(start, end)));
    }
    start = end;
  }
}

describe('a frugal parser', () => {
  it('reads what the parser of ws reads, faults included, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(script, cuts, async (frames, sizes) => {
        const plain = read(false);
        // Two in turn: what parsers share must never be seen by another one.
        const frugal = [read(true), read(true)];
        const bytes = Buffer.concat(frames);
        feed([plain], bytes, sizes);
        feed(frugal, bytes, sizes);
        for (const { receiver } of [plain, ...frugal]) receiver.end();
        // A fault and an end are told in a later tick.
        await setImmediate();
        for (const reading of frugal) {
          expect(told(reading)).toEqual(told(plain));
          expect(reading.receiver._bufferedBytes).toBe(plain.receiver._bufferedBytes);
        }
      }),
      { numRuns: 250 },
    );
  });

  it('passes over chunks without a byte', () => {
    const reading = read(true);
    const bytes = frame({ payload: 'whole' });
    for (const part of [bytes.subarray(0, 0), bytes.subarray(0, 3), bytes.subarray(3, 3), bytes.subarray(3)]) {
      reading.receiver.write(Buffer.from(part));
    }
    expect(told(reading)).toEqual([['message', 'whole', 'false']]);
  });

  it('takes a chunk that comes from inside of a handler after those that came before', () => {
    const { receiver } = read(true);
    const messages: string[] = [];
    receiver.on('message', (data) => {
      messages.push(String(data));
      if (String(data) === 'one') receiver.write(frame({ payload: 'from inside' }));
    });
    receiver.write(Buffer.concat([frame({ payload: 'one' }), frame({ payload: 'two' })]));
    receiver.write(frame({ payload: 'three' }));
    expect(messages).toEqual(['one', 'two', 'from inside', 'three']);
  });

  it.each(['whole', ''])('ends when a listener throws, and says so; others go on (%j)', async (payload) => {
    const { receiver, seen } = read(true);
    const failure = new Error('of the application');
    receiver.on('message', () => {
      throw failure;
    });
    expect(() => receiver.write(Buffer.concat([frame({ payload }), frame({ payload: 'two' })]))).toThrow(failure);
    receiver.write(frame({ payload: 'three' }));
    await setImmediate();
    expect(seen.map(([event, data]) => [event, String(data)])).toEqual([
      ['message', payload],
      ['error', String(failure)],
      ['close', 'undefined'],
    ]);
    const other = read(true);
    other.receiver.write(frame({ payload: 'other' }));
    expect(told(other)).toEqual([['message', 'other', 'false']]);
  });

  it.each([
    ['one byte at a time', [1]],
    ['in small and large pieces by turns', [1, 1_500]],
  ])('reads a large payload that comes %s, with few buffers', (_, sizes) => {
    const reading = read(true);
    const payload = Buffer.alloc(65_000, 'large payload ');
    const bytes = frame({ payload });
    let most = 0;
    for (let start = 0, i = 0; start < bytes.length; i++) {
      // Pieces grow with each round, so that a large payload does not take a write for every few bytes.
      const end = start + (sizes[i % sizes.length] ?? 1) * 2 ** Math.floor(i / sizes.length);
      reading.receiver.write(Buffer.from(bytes.subarray(start, end)));
      most = Math.max(most, reading.receiver._buffers.length);
      start = end;
    }
    expect(told(reading)).toEqual([['message', payload.toString(), 'false']]);
    expect(most).toBeLessThan(100);
  });

  it.each([
    ['ASCII', 'plain', 'string'],
    ['other text', 'plaín', 'object'],
  ])('hands out %s as it is cheapest, unless the application listens as well', (_, message, type) => {
    for (const listeners of [0, 1]) {
      const receiver = new Receiver({ isServer: true });
      const delivered: unknown[] = [];
      makeFrugal(receiver, listening(listeners));
      receiver.on('message', (data) => delivered.push(data));
      receiver.write(frame({ payload: message }));
      expect(delivered.map(String)).toEqual([message]);
      expect(typeof delivered[0]).toBe(listeners === 0 ? type : 'object');
    }
  });

  it('keeps nothing of what was read once it is parsed', () => {
    const { receiver } = read(true);
    receiver.write(frame({ payload: Buffer.from('whole') }));
    expect(receiver._buffers).toHaveLength(0);
    expect(receiver._bufferedBytes).toBe(0);
  });
});

describe('the trial', () => {
  it('lets the installed parser of ws pass', () => {
    expect(passesTrial(Receiver)).toBe(true);
  });

  it('refuses a parser that looks into its chunks itself', () => {
    class LooksInside extends Receiver {
      override _write(...args: Parameters<Receiver['_write']>): void {
        super._write(...args);
        const [first] = this._buffers as Buffer[];
        if (first?.length === 0) throw new Error('An empty chunk.');
      }
    }
    expect(passesTrial(LooksInside)).toBe(false);
  });

  it('refuses a parser whose states have other numbers', () => {
    const proto = Receiver.prototype as unknown as { getData(this: Receiver, done: () => void): void };
    class OtherStates extends Receiver {
      getData(done: () => void): void {
        if (this._bufferedBytes > 0) Object.assign(this, { _state: 7 });
        proto.getData.call(this, done);
      }
    }
    const readings = [read(false, OtherStates), read(false)];
    feed(readings, frame({ payload: 'more than eight bytes' }), [100]);
    expect(told(readings[0] ?? read(false))).toEqual(told(readings[1] ?? read(false)));
    expect(passesTrial(OtherStates)).toBe(false);
  });

  it('refuses a parser that tells of its messages later', () => {
    class ReadsLater extends Receiver {
      override _write(...args: Parameters<Receiver['_write']>): void {
        queueMicrotask(() => super._write(...args));
      }
    }
    expect(passesTrial(ReadsLater)).toBe(false);
  });

  it('refuses a package that has no parser to show', () => {
    expect(passesTrial(undefined)).toBe(false);
  });
});
