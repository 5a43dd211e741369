import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SharedMessage } from '../../src/websocket/connection/transport.js';
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
          left.push(list === undefined ? Buffer.alloc(0) : joinFrames(list).frame);
          meant.push(Buffer.concat(expected[to] ?? []));
          held[to] = undefined;
          expected[to] = [];
        };
        for (const [i, one] of steps.entries()) {
          if (one.kind === 'leave') {
            leave(one.to);
            continue;
          }
          const message = new SharedMessage(Buffer.alloc(one.size, i));
          for (const to of [one.to].flat()) {
            held[to] = one.kind === 'own' ? holdFrame(held[to], message.frame) : holdSharedFrame(held[to], message);
            expected[to]?.push(message.frame);
          }
        }
        for (let to = 0; to < RECEIVERS; to++) leave(to);
        expect(left).toEqual(meant);
      }),
    );
  });

  it('are joined once for all that got the same', () => {
    const messages = ['one', 'two', 'three'].map((text) => new SharedMessage(text));
    const lists = [0, 1].map((): HeldFrames | undefined => undefined);
    for (const message of messages) for (const to of lists.keys()) lists[to] = holdSharedFrame(lists[to], message);
    const [first, second] = lists.map((list) => list && joinFrames(list));
    expect(first?.frame).toEqual(Buffer.concat(messages.map(({ frame }) => frame)));
    expect(second).toBe(first);
  });
});
