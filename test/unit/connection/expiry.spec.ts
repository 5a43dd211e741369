import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Expiry, toEpochMs } from '../../../src/websocket/connection/expiry.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The longest delay a timer of Node takes; a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

describe('Expiry', () => {
  let expired: number[];
  let expiry: Expiry;
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_700_000_000_000 });
    expired = [];
    expiry = new Expiry(() => void expired.push(Date.now()));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([
    ['a second', 1000],
    ['the longest delay of a timer', LONGEST_MS],
    ['one millisecond more', LONGEST_MS + 1],
    ['30 days', 30 * DAY_MS],
    ['100 days', 100 * DAY_MS],
    ['10 years', 3650 * DAY_MS],
  ])('fires in %s, then and not before, with one timer', (_what, delayMs) => {
    const at = Date.now() + delayMs;
    expiry.moveTo(at);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(delayMs - 1);
    expect(expired).toEqual([]);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(expired).toEqual([at]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fires at once for a time that is over', () => {
    expiry.moveTo(Date.now() - DAY_MS);
    jest.advanceTimersByTime(0);
    expect(expired).toHaveLength(1);
  });

  it('can be moved, nearer and farther, as often as wanted', () => {
    const start = Date.now();
    expiry.moveTo(start + 40 * DAY_MS);
    jest.advanceTimersByTime(30 * DAY_MS);
    expiry.moveTo(start + 100 * DAY_MS);
    expiry.moveTo(start + 35 * DAY_MS);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(200 * DAY_MS);
    expect(expired).toEqual([start + 35 * DAY_MS]);
  });

  it('can be called off, also behind the first stretch of a long time', () => {
    expiry.moveTo(Date.now() + 40 * DAY_MS);
    jest.advanceTimersByTime(30 * DAY_MS);
    expiry.cancel();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(100 * DAY_MS);
    expect(expired).toEqual([]);
  });

  it('is found due after a sleep that timers did not count, once', () => {
    expiry.moveTo(Date.now() + 3_600_000);
    jest.setSystemTime(Date.now() + 2 * 3_600_000);
    expect(expired).toEqual([]);
    expiry.check(Date.now());
    expiry.check(Date.now());
    expect(expired).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits on while the clock was put back, and comes at its time', () => {
    const at = Date.now() + 1_000;
    expiry.moveTo(at);
    jest.setSystemTime(at - 1_000 - 3_600_000);
    jest.advanceTimersByTime(1_000);
    expiry.check(Date.now());
    expect(expired).toEqual([]);
    jest.advanceTimersByTime(3_600_000);
    expect(expired).toEqual([at]);
  });

  it('is not found due when it was called off, or before its time', () => {
    expiry.moveTo(Date.now() + 1_000);
    expiry.check(Date.now() + 999);
    expiry.cancel();
    expiry.check(Date.now() + 5_000);
    expect(expired).toEqual([]);
  });

  it('does not keep the process alive', () => {
    jest.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const real = new Expiry(() => undefined);
    real.moveTo(Date.now() + DAY_MS);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
    real.cancel();
  });
});

describe('toEpochMs', () => {
  it('takes a Date and a number', () => {
    expect([toEpochMs(new Date(5)), toEpochMs(7.5), toEpochMs(-1)]).toEqual([5, 7.5, -1]);
  });

  it.each([Number.NaN, Infinity, -Infinity, new Date(Number.NaN), '2030', null, undefined, {}])(
    'refuses %p',
    (value) => {
      expect(() => toEpochMs(value as number)).toThrow(TypeError);
    },
  );
});
