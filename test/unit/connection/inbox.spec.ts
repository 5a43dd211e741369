import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ByteBudget } from '../../../src/websocket/connection/byte-budget.js';
import { Inbox } from '../../../src/websocket/connection/inbox.js';

const LIMITS = { maxPendingMessages: 4, maxPendingBytes: 2_000 };
/** What a message costs beside its bytes. */
const OVERHEAD = costOf('');

function costOf(text: string): number {
  const inbox = new Inbox(LIMITS, undefined);
  inbox.push(Buffer.from(text), false);
  return inbox.queuedBytes;
}

describe('an inbox', () => {
  it('gives text as a string and binary as bytes, first in, first out', () => {
    const inbox = new Inbox(LIMITS, undefined);
    inbox.push(Buffer.from('text é'), false);
    inbox.push(Buffer.of(1, 2), true);
    expect([inbox.shift(), inbox.shift(), inbox.shift()]).toMatchObject([
      { data: 'text é', isBinary: false },
      { data: Buffer.of(1, 2), isBinary: true },
      undefined,
    ]);
  });

  it('is full at its number of messages and half empty at half of it', () => {
    const inbox = new Inbox(LIMITS, undefined);
    const seen: [boolean, boolean][] = [];
    for (let n = 0; n < 4; n++) {
      seen.push([inbox.isFull, inbox.isHalfEmpty]);
      inbox.push(Buffer.from('x'), false);
    }
    seen.push([inbox.isFull, inbox.isHalfEmpty]);
    expect(seen).toEqual([
      [false, true],
      [false, true],
      [false, true],
      [false, false],
      [true, false],
    ]);
    inbox.shift();
    expect([inbox.isFull, inbox.isHalfEmpty]).toEqual([false, false]);
    inbox.shift();
    expect([inbox.isFull, inbox.isHalfEmpty]).toEqual([false, true]);
  });

  it('is full at its bytes, the cost of an entry included', () => {
    const inbox = new Inbox(LIMITS, undefined);
    inbox.push(Buffer.alloc(LIMITS.maxPendingBytes - OVERHEAD - 1), true);
    expect(inbox.isFull).toBe(false);
    inbox.push(Buffer.alloc(0), true);
    expect([inbox.isFull, inbox.isHalfEmpty]).toEqual([true, false]);
  });

  it('keeps no large read alive for a small message', () => {
    const inbox = new Inbox(LIMITS, undefined);
    const read = Buffer.allocUnsafeSlow(65_536);
    inbox.push(read.subarray(100, 110), true);
    const kept = inbox.shift()?.data;
    expect(Buffer.isBuffer(kept) && kept.buffer).not.toBe(read.buffer);
    inbox.push(read, true);
    expect(inbox.shift()?.data).toBe(read);
  });

  it('charges a budget for what waits, and is full with it', () => {
    const budget = new ByteBudget(3 * OVERHEAD);
    const [one, other] = [new Inbox(LIMITS, budget), new Inbox(LIMITS, budget)];
    one.push(Buffer.alloc(0), false);
    one.push(Buffer.alloc(0), false);
    other.push(Buffer.alloc(0), false);
    expect([budget.used, one.isFull, other.isFull]).toEqual([3 * OVERHEAD, false, false]);
    other.push(Buffer.alloc(1), false);
    expect([one.isFull, other.isFull]).toEqual([true, true]);
    other.clear();
    one.shift();
    expect([budget.used, one.isFull]).toEqual([OVERHEAD, false]);
    one.shift();
    expect(budget.used).toBe(0);
  });

  it('behaves like a list, and what it has charged is the sum of what waits', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
      { weight: 4, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.constant(2_000) },
      { weight: 1, arbitrary: fc.constant(0) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const inbox = new Inbox(LIMITS, undefined);
        let model: string[] = [];
        for (const one of steps) {
          if (typeof one === 'string') {
            inbox.push(Buffer.from(one), false);
            model.push(one);
          } else if (one === 0) {
            inbox.clear();
            model = [];
          } else {
            // A long run of puts and takes moves the beginning of the list, which must not show.
            const long = Array.from({ length: one - 1 }, (_, n) => `${n}`);
            for (const text of long) inbox.push(Buffer.from(text), false);
            model.push(...long);
            const taken = Array.from({ length: one }, () => inbox.shift()?.data);
            expect(taken).toEqual(Array.from({ length: one }, () => model.shift()));
          }
          expect(inbox.length).toBe(model.length);
          expect(inbox.queuedBytes).toBe(model.reduce((sum, text) => sum + Buffer.byteLength(text) + OVERHEAD, 0));
        }
      }),
      { numRuns: 60 },
    );
  });
});
