import { describe, expect, it } from '@jest/globals';
import { SharedBuckets } from '../../../src/websocket/limits/shared-buckets.js';

describe('shared buckets', () => {
  it('count for all that come with one key, and forget who was idle for long enough to be full again', () => {
    const buckets = new SharedBuckets();
    const take = (key: string, nowMs: number): boolean => buckets.get(key, 1, 2, nowMs).take(nowMs);
    expect([take('ada', 0), take('ada', 0), take('ada', 0), take('bob', 0)]).toEqual([true, true, false, true]);
    // Half a second later it is not forgiven.
    expect(take('ada', 500)).toBe(false);
    for (let nowMs = 1_000; nowMs <= 10_000; nowMs += 1_000) take('eve', nowMs);
    expect(buckets.size).toBe(1);
    expect([take('ada', 10_000), take('ada', 10_000), take('ada', 10_000)]).toEqual([true, true, false]);
  });

  it('are bounded in number, with any number of keys', () => {
    const buckets = new SharedBuckets();
    for (let n = 0; n < 300_000; n++) buckets.get(`2001:db8::${n}`, 1, 10, 1);
    expect(buckets.size).toBeLessThanOrEqual(2 * 65_536);
  });
});
