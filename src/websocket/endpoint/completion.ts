import { isObservable } from 'rxjs';
import { isPromiseLike } from '../connection/settle.js';

/** Waits for a method whose result is not sent: a promise settles, an Observable completes, a value is there. */
export function completionOf(result: unknown): Promise<void> | undefined {
  if (isPromiseLike(result)) return Promise.resolve(result).then(completionOf);
  if (!isObservable(result)) return undefined;
  return new Promise((resolve, reject) => {
    // Nothing is thrown in a subscriber; whoever awaits gets the error.
    result.subscribe({ error: reject, complete: resolve });
  });
}
