import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { holdFrame, holdSharedFrame, joinFrames, type HeldFrames } from '../../src/websocket/adapter/ws/held-frames.js';

const RECEIVERS = 4;

/** A broadcast to some, a frame for one, or one that leaves. */
const step = fc.oneof(
  fc.record({ kind: fc.constant('broadcast' as const), to: fc.subarray([0, 1, 2, 3]), size: fc.nat(3) }),
  fc.record({ kind: fc.constant('own' as const), to: fc.nat(RECEIVERS - 1), size: fc.nat(3) }),
  fc.record({ kind: fc.constant('leave' as const), to: fc.nat(RECEIVERS - 1) }),
);

describe('frames that wait', () => {
  it('leave each connection in the order in which they were held for it, and no others', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const held: (HeldFrames | undefined)[] = [];
        const expected: Buffer[][] = Array.from({ length: RECEIVERS }, () => []);
        const left: Buffer[] = [];
        const meant: Buffer[] = [];
        const leave = (to: number): void => {
          const list = held[to];
          left.push(list === undefined ? Buffer.alloc(0) : joinFrames(list));
          meant.push(Buffer.concat(expected[to] ?? []));
          held[to] = undefined;
          expected[to] = [];
        };
        for (const [i, one] of steps.entries()) {
          if (one.kind === 'leave') {
            leave(one.to);
            continue;
          }
          const frame = Buffer.alloc(one.size, i);
          for (const to of [one.to].flat()) {
            held[to] = (one.kind === 'own' ? holdFrame : holdSharedFrame)(held[to], frame);
            expected[to]?.push(frame);
          }
        }
        for (let to = 0; to < RECEIVERS; to++) leave(to);
        expect(left).toEqual(meant);
      }),
    );
  });

  it('are joined once for all that got the same', () => {
    const frames = ['one', 'two', 'three'].map((text) => Buffer.from(text));
    const lists = [0, 1].map((): HeldFrames | undefined => undefined);
    for (const frame of frames) for (const to of lists.keys()) lists[to] = holdSharedFrame(lists[to], frame);
    const [first, second] = lists.map((list) => list && joinFrames(list));
    expect(first).toEqual(Buffer.concat(frames));
    expect(second).toBe(first);
  });
});
