import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { NEVER, Observable, of, Subject, Subscription, throwError } from 'rxjs';
import { lastItemOf, stopQuietly, whenDone } from '../../../src/websocket/async/completion.js';

// What a clean-up throws is logged; the lines are asserted end to end.
beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(true));

describe('whenDone', () => {
  it.each([[undefined], [null], [1], ['text'], [{ a: 1 }], [[1]]])('has nothing to wait for in %j', (value) => {
    expect(whenDone(value)).toBeUndefined();
  });

  it('waits for a promise, and for the Observable in it', async () => {
    const subject = new Subject<number>();
    let done = false;
    const waiting = whenDone(Promise.resolve(subject))?.then(() => (done = true));
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    subject.next(1);
    expect(done).toBe(false);
    subject.complete();
    await waiting;
    expect(done).toBe(true);
  });

  it('rejects with what a promise or an Observable fails with', async () => {
    await expect(whenDone(Promise.reject(new Error('promise')))).rejects.toThrow('promise');
    await expect(whenDone(throwError(() => new Error('observable')))).rejects.toThrow('observable');
  });

  it('ends the wait for an Observable that never completes when the signal says so', async () => {
    const abort = new AbortController();
    const waiting = whenDone(NEVER, abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
  });
});

describe('lastItemOf', () => {
  it('gives the last item, and undefined when there was none', async () => {
    expect([await lastItemOf(of(1, 2, 3)), await lastItemOf(of())]).toEqual([3, undefined]);
  });

  it('gives what came until the signal, and unsubscribes once', async () => {
    let stopped = 0;
    const source = new Observable((subscriber) => {
      subscriber.next('first');
      return () => (stopped += 1);
    });
    const abort = new AbortController();
    const last = lastItemOf(source, abort.signal);
    abort.abort();
    expect([await last, stopped]).toEqual(['first', 1]);
  });

  it('settles although the clean-up of the source throws', async () => {
    const source = new Observable((subscriber) => {
      subscriber.next('item');
      return () => {
        throw new Error('clean-up');
      };
    });
    const abort = new AbortController();
    const last = lastItemOf(source, abort.signal);
    abort.abort();
    expect(await last).toBe('item');
  });
});

describe('stopQuietly', () => {
  it('unsubscribes and drops what the clean-up throws', () => {
    let stopped = false;
    const subscription = new Subscription(() => {
      stopped = true;
      throw new Error('clean-up');
    });
    stopQuietly(subscription);
    expect([stopped, subscription.closed]).toEqual([true, true]);
  });
});
