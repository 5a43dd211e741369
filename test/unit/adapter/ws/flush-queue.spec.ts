import { describe, expect, it } from '@jest/globals';
import { flushSoon } from '../../../../src/websocket/adapter/ws/flush-queue.js';
import { heldAfterCollection } from '../../../support/garbage.js';
import { Journal } from '../../../support/journal.js';

describe.each([
  ['a reply', false],
  ['a broadcast', true],
])('what waits to be written (%s)', (_name, shared) => {
  it('is written although what waits before it fails, which is told to its owner', async () => {
    const events = new Journal();
    const failure = new Error('a fault');
    const holder = (what: string, flush: () => void = () => events.add(what)) => ({
      flush,
      fail: (error: unknown) => events.add(`${what} ${(error as Error).message}`),
    });
    const fail = (): void => {
      throw failure;
    };
    flushSoon(holder('first'), shared);
    flushSoon(holder('broken', fail), shared);
    flushSoon(holder('behind it'), shared);
    expect(events.entries).toEqual([]);
    await events.reached(3);
    flushSoon(holder('later'), shared);
    expect(await events.reached(4)).toEqual(['first', 'broken a fault', 'behind it', 'later']);
  });

  it('is written in the same round when it comes while others are written', async () => {
    const events = new Journal();
    const inner = { flush: () => events.add('inner'), fail: () => undefined };
    const outer = {
      flush: () => {
        events.add('outer');
        flushSoon(inner, shared);
      },
      fail: () => undefined,
    };
    flushSoon(outer, shared);
    expect(await events.reached(2)).toEqual(['outer', 'inner']);
  });
});

describe('receivers of broadcasts', () => {
  it('are let go when they have been written, also while more come than one turn can write', async () => {
    let isOn = true;
    let written = 0;
    /** It takes its time, and another one comes meanwhile. */
    class Receiver {
      flush(): void {
        for (const until = performance.now() + 0.5; performance.now() < until;);
        written++;
        if (isOn) flushSoon(new Receiver(), true);
      }

      fail(): void {}
    }
    const begin = (): WeakRef<Receiver>[] =>
      Array.from({ length: 32 }, () => {
        const receiver = new Receiver();
        flushSoon(receiver, true);
        return new WeakRef(receiver);
      });
    const first = begin();
    try {
      while (written < 100) await new Promise((resolve) => setImmediate(resolve));
      expect(await heldAfterCollection(first)).toBe(0);
    } finally {
      isOn = false;
    }
  });
});
