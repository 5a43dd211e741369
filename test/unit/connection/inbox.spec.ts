import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Account, ByteLedger } from '../../../src/websocket/limits/byte-ledger.js';
import { Inbox } from '../../../src/websocket/connection/inbox.js';

const LIMITS = { maxPendingMessages: 4, maxPendingBytes: 2_000 };
const QUIET = { settle: () => undefined, giveUp: () => undefined };
/** What a message costs beside its bytes. */
const OVERHEAD = costOf('');

function inboxOf(ledger = new ByteLedger(1_000_000)): Inbox {
  return new Inbox(LIMITS, new Account(ledger, QUIET));
}

function costOf(text: string): number {
  const inbox = inboxOf();
  inbox.push(Buffer.from(text), false);
  return inbox.queuedBytes;
}

describe('an inbox', () => {
  it('gives text as a string and binary as bytes, first in, first out', () => {
    const inbox = inboxOf();
    inbox.push(Buffer.from('text é'), false);
    inbox.push(Buffer.of(1, 2), true);
    expect([inbox.shift(), inbox.shift(), inbox.shift()]).toMatchObject([
      { data: 'text é', isBinary: false },
      { data: Buffer.of(1, 2), isBinary: true },
      undefined,
    ]);
  });

  it('is full at its number of messages and half empty at half of it', () => {
    const inbox = inboxOf();
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
    const inbox = inboxOf();
    inbox.push(Buffer.alloc(LIMITS.maxPendingBytes - OVERHEAD - 1), true);
    expect(inbox.isFull).toBe(false);
    inbox.push(Buffer.alloc(0), true);
    expect([inbox.isFull, inbox.isHalfEmpty]).toEqual([true, false]);
  });

  it('keeps no large read alive for a small message', () => {
    const inbox = inboxOf();
    const read = Buffer.allocUnsafeSlow(65_536);
    inbox.push(read.subarray(100, 110), true);
    const kept = inbox.shift()?.data;
    expect(Buffer.isBuffer(kept) && kept.buffer).not.toBe(read.buffer);
    inbox.push(read, true);
    expect(inbox.shift()?.data).toBe(read);
  });

  it('is counted in the ledger, and full with the others at half of that', () => {
    const ledger = new ByteLedger(6 * OVERHEAD);
    const [one, other] = [inboxOf(ledger), inboxOf(ledger)];
    one.push(Buffer.alloc(0), false);
    other.push(Buffer.alloc(0), false);
    expect([ledger.total, one.isFullWithOthers, other.isFullWithOthers]).toEqual([2 * OVERHEAD, false, false]);
    other.push(Buffer.alloc(0), false);
    expect([one.isFullWithOthers, other.isFullWithOthers]).toEqual([true, true]);
    // One that has nothing may always go on.
    one.shift();
    one.push(Buffer.alloc(1), false);
    expect([one.isFullWithOthers, inboxOf(ledger).isFullWithOthers]).toEqual([true, false]);
    other.clear();
    one.shift();
    expect([ledger.total, one.isFullWithOthers]).toEqual([0, false]);
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
        const inbox = inboxOf();
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
