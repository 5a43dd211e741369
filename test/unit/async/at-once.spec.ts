import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { atOnce, handleQuietly, LateAnswerError } from '../../../src/websocket/async/at-once.js';

describe('atOnce', () => {
  it.each([['text'], [0], [undefined], [null], [{ id: 7 }]])('gives the answer %j', (answer) => {
    expect(atOnce(answer, 'userId')).toBe(answer);
  });

  it('refuses a promise by the name of the callback, and handles its rejection', async () => {
    // Unhandled it would end the process of this test.
    expect(() => atOnce(Promise.reject(new Error('too late')), 'userId')).toThrow(new LateAnswerError('userId'));
    await turn();
  });
});

describe('handleQuietly', () => {
  it('takes a promise that cannot be resolved from', () => {
    const promise = Object.defineProperty(Promise.resolve('done'), 'constructor', {
      get: () => {
        throw new Error('looked at');
      },
    });
    expect(() => Promise.resolve(promise)).toThrow('looked at');
    expect(() => handleQuietly(promise)).not.toThrow();
  });
});
