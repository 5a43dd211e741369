import { describe, expect, it } from '@jest/globals';
import { TokenBucket } from '../../../src/websocket/limits/token-bucket.js';

/** How many of some events at one moment are let through. */
function passing(bucket: TokenBucket, nowMs: number, events: number): number {
  return Array.from({ length: events }, () => bucket.take(nowMs)).filter(Boolean).length;
}

describe('a token bucket', () => {
  it('lets a burst of one second through at once, and no more', () => {
    expect(passing(new TokenBucket(5, 0), 0, 20)).toBe(5);
  });

  it('fills by the time that passed, in parts of a token too', () => {
    const bucket = new TokenBucket(10, 0);
    passing(bucket, 0, 10);
    expect([bucket.take(50), bucket.take(99), bucket.take(100), bucket.take(150), bucket.take(200)]).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  it('never holds more than one second of events, after a long pause too', () => {
    const bucket = new TokenBucket(3, 0);
    passing(bucket, 0, 3);
    expect(passing(bucket, 3_600_000, 20)).toBe(3);
  });

  it('lets as many through in the long run as it says, for a peer that never rests', () => {
    const bucket = new TokenBucket(20, 0);
    let passed = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 7) passed += passing(bucket, nowMs, 3);
    expect(passed).toBeGreaterThanOrEqual(218);
    expect(passed).toBeLessThanOrEqual(220);
  });

  it('lets nothing through that stays below one event in its burst', () => {
    const bucket = new TokenBucket(0.5, 0);
    expect(passing(bucket, 60_000, 5)).toBe(0);
  });
});
