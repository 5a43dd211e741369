import { handleQuietly } from './at-once.js';
import { isPromiseLike } from './maybe-promise.js';

/** Code of the application that runs around other code of it, and calls `next` for that. */
export type Surrounding<Subject> = (subject: Subject, next: () => unknown) => unknown;

/**
 * Runs code inside of what surrounds it. The result is that of the code, also where the surrounding returns something else, or catches what the code throws.
 * @throws what the code or the surrounding throws; an Error where the surrounding has not called `next` when it returns.
 */
export function surround<Subject, T>(around: Surrounding<Subject>, subject: Subject, code: () => T): T {
  let outcome: Outcome<T> | undefined;
  let isTooLate = false;
  const returned = around(subject, () => {
    if (isTooLate) return undefined;
    // A second call is not a second message.
    outcome ??= outcomeOf(code);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  });
  // An asynchronous one rejects with what the code rejects with, which is answered where it belongs.
  if (isPromiseLike(returned)) handleQuietly(returned);
  if (outcome === undefined) {
    isTooLate = true;
    throw new Error(
      'The option around has to call next before it returns: around: (context, next) => storage.run(store, next)',
    );
  }
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function outcomeOf<T>(code: () => T): Outcome<T> {
  try {
    return { value: code() };
  } catch (error) {
    return { error };
  }
}
