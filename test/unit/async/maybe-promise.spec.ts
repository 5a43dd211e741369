/* oxlint-disable unicorn/no-thenable -- what has a method of this name is the subject. */
import { describe, expect, it } from '@jest/globals';
import { continueWith, isPromiseLike } from '../../../src/websocket/async/maybe-promise.js';

describe('isPromiseLike', () => {
  it.each<[string, unknown, boolean]>([
    ['a promise', Promise.resolve(), true],
    ['an object with a method then', { then: () => undefined }, true],
    ['a function with a method then', Object.assign(() => undefined, { then: () => undefined }), true],
    ['an object whose then is a value', { then: 1 }, false],
    ['a function', () => undefined, false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a text', 'then', false],
  ])('%s: %#', (_what, value, expected) => {
    expect(isPromiseLike(value)).toBe(expected);
  });
});

describe('continueWith', () => {
  it('goes on at once with a value that is there, and gives the result itself', () => {
    expect(continueWith(1, (value) => value + 1)).toBe(2);
  });

  it('throws at once what the next step throws about a value that is there', () => {
    expect(() =>
      continueWith(1, () => {
        throw new Error('next');
      }),
    ).toThrow('next');
  });

  it('waits for a promise, and for one that the next step gives', async () => {
    const order: string[] = [];
    const result = continueWith(Promise.resolve(1), (value) => {
      order.push('next');
      return Promise.resolve(value + 1);
    });
    order.push('called');
    expect(await result).toBe(2);
    expect(order).toEqual(['called', 'next']);
  });

  it('takes what is only like a promise, and answers with a real one', async () => {
    const thenable = { then: (resolve: (value: number) => void) => resolve(1) } as PromiseLike<number>;
    const result = continueWith(thenable, (value) => value + 1);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe(2);
  });

  it('passes a rejection on, of the promise and of the next step, without calling what follows', async () => {
    const never = (): never => {
      throw new Error('called');
    };
    await expect(continueWith(Promise.reject(new Error('first')), never)).rejects.toThrow('first');
    await expect(continueWith(Promise.resolve(1), () => Promise.reject(new Error('second')))).rejects.toThrow('second');
  });
});
