import { isObservable, Subscription, type Observable } from 'rxjs';
import { log } from '../log/log.js';
import { isPromiseLike } from './maybe-promise.js';

/**
 * Waits until a method whose result is not sent is done: a promise settles, an Observable completes. Gives `undefined`
 * for a value that is there already.
 * @param signal ends the wait for an Observable that never completes.
 */
export function whenDone(result: unknown, signal?: AbortSignal): Promise<void> | undefined {
  if (isPromiseLike(result)) return Promise.resolve(result).then((value) => whenDone(value, signal));
  return isObservable(result) ? lastItemOf(result, signal).then(() => undefined) : undefined;
}

/** The last item of an Observable, `undefined` if it had none; rejects with its error. */
export function lastItemOf(source: Observable<unknown>, signal?: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const subscription = new Subscription();
    let last: unknown;
    const end = (settle: () => void): void => {
      signal?.removeEventListener('abort', stop);
      stopQuietly(subscription);
      settle();
    };
    const stop = (): void => end(() => resolve(last));
    signal?.addEventListener('abort', stop, { once: true });
    subscription.add(
      source.subscribe({
        next: (item) => (last = item),
        // Nothing is thrown in a subscriber; the error goes to the promise.
        error: (error: unknown) => end(() => reject(error)),
        complete: stop,
      }),
    );
  });
}

/** Unsubscribes. What the clean-up of the application throws is logged: its caller is gone. */
export function stopQuietly(subscription: Subscription): void {
  try {
    subscription.unsubscribe();
  } catch (error) {
    log.error('clean-up', 'The clean-up of a stream failed', error);
  }
}
