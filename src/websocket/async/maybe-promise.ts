/** Tells whether a value is a promise or behaves like one. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

/** A value now or a promise of it: most of the library stays synchronous as long as the application does. */
export type MaybePromise<T> = T | Promise<T>;

/** Calls `next` with a value: at once when the value is there, otherwise when its promise is fulfilled. */
export function continueWith<T, R>(
  value: MaybePromise<T> | PromiseLike<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isPromiseLike(value) ? Promise.resolve(value as PromiseLike<T>).then(next) : next(value);
}
