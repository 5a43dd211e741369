import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { flushSoon } from '../../../../src/websocket/adapter/ws/flush-queue.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('what waits to be written', () => {
  it.each([
    ['a reply', false, () => jest.runAllTicks()],
    ['a broadcast', true, () => jest.runAllTimers()],
  ])('is written although the socket before it threw (%s)', (_, shared, runQueue) => {
    const written: string[] = [];
    const failure = new Error('a wrapped write');
    const fail = (): void => {
      throw failure;
    };
    const waits = (what: string): void => flushSoon({ flush: () => written.push(what) }, shared);
    waits('first');
    flushSoon({ flush: fail }, shared);
    waits('behind it');
    expect(runQueue).toThrow(failure);
    runQueue();
    waits('later');
    runQueue();
    expect(written).toEqual(['first', 'behind it', 'later']);
  });
});
