import { isObservable, Subscription, type Observable } from 'rxjs';
import { isPromiseLike } from '../connection/settle.js';

/**
 * Waits for a method whose result is not sent: a promise settles, an Observable completes, a value is there.
 * @param signal ends the wait for an Observable that goes on for ever.
 */
export function completionOf(result: unknown, signal?: AbortSignal): Promise<void> | undefined {
  if (isPromiseLike(result)) return Promise.resolve(result).then((value) => completionOf(value, signal));
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
        // Nothing is thrown in a subscriber; whoever awaits gets the error.
        error: (error: unknown) => end(() => reject(error)),
        complete: stop,
      }),
    );
  });
}

/** Unsubscribes; a clean-up of the application that throws has nobody left to tell. */
export function stopQuietly(subscription: Subscription): void {
  try {
    subscription.unsubscribe();
  } catch {
    // Whoever wrote the clean-up sees it fail in his own tests; here it must not end the process.
  }
}
