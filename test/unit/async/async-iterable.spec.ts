import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { lastValueFrom, toArray } from 'rxjs';
import { isAsyncIterable, returnQuietly, streamAsyncIterable } from '../../../src/websocket/async/async-iterable.js';
import { Gate } from '../../support/journal.js';

async function* count(to: number): AsyncGenerator<number> {
  for (let number = 1; number <= to; number++) yield number;
}

// What a clean-up throws is logged; the lines are asserted end to end.
beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(true));

describe('isAsyncIterable', () => {
  it.each<[string, unknown, boolean]>([
    ['an async generator is one', count(1), true],
    ['an object with the symbol is one', { [Symbol.asyncIterator]: () => count(1) }, true],
    ['an array is a value', [1], false],
    ['a text is a value', 'text', false],
    ['null is a value', null, false],
    ['a generator function that was not called is a value', count, false],
  ])('%s', (_what, value, expected) => {
    expect(isAsyncIterable(value)).toBe(expected);
  });
});

describe('streamAsyncIterable', () => {
  it('gives the items in order and completes', async () => {
    expect(await lastValueFrom(streamAsyncIterable(count(3)).pipe(toArray()))).toEqual([1, 2, 3]);
  });

  it('fails with what the iterable throws, after the items before', async () => {
    const seen: unknown[] = [];
    const failing = (async function* () {
      yield 1;
      throw new Error('source');
    })();
    const failure = await new Promise((resolve) => {
      streamAsyncIterable(failing).subscribe({ next: (item) => seen.push(item), error: resolve });
    });
    expect([seen, String(failure)]).toEqual([[1], 'Error: source']);
  });

  it('tells the iterable to stop when its subscriber leaves, and passes on nothing after that', async () => {
    const [asked, stopped, late] = [new Gate(), new Gate(), new Gate<IteratorResult<string>>()];
    const iterable: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked.open();
          return late.opened;
        },
        return: () => {
          stopped.open();
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const seen: unknown[] = [];
    const subscription = streamAsyncIterable(iterable).subscribe((item) => seen.push(item));
    await asked.opened;
    subscription.unsubscribe();
    await stopped.opened;
    late.open({ done: false, value: 'late' });
    await late.opened;
    await Promise.resolve();
    expect(seen).toEqual([]);
  });
});

describe('returnQuietly', () => {
  it.each<[string, () => Promise<IteratorResult<unknown>>]>([
    ['rejects', () => Promise.reject(new Error('clean-up'))],
    [
      'throws',
      () => {
        throw new Error('clean-up');
      },
    ],
  ])('drops what a clean-up %s with', async (_how, stop) => {
    const rejections: unknown[] = [];
    const note = (reason: unknown): unknown => rejections.push(reason);
    process.on('unhandledRejection', note);
    returnQuietly({ next: () => Promise.resolve({ done: true, value: undefined }), return: stop });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
  });

  it('needs no method return', () => {
    expect(() => returnQuietly({ next: () => Promise.resolve({ done: true, value: undefined }) })).not.toThrow();
  });
});
