import { Observable } from 'rxjs';

/** Tells whether a value is an AsyncIterable; a string or an array is a value, not a stream. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** The items of an AsyncIterable as an Observable; it is told to stop (`return()`) when nobody listens any more. */
export function streamAsyncIterable(iterable: AsyncIterable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    const iterator = iterable[Symbol.asyncIterator]();
    void (async () => {
      try {
        for (;;) {
          const step = await iterator.next();
          if (subscriber.closed) return;
          if (step.done === true) break;
          subscriber.next(step.value);
        }
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    })();
    return () => returnQuietly(iterator);
  });
}

/** Tells an iterator to stop; a clean-up that throws or rejects has nobody left to tell. */
export function returnQuietly(iterator: AsyncIterator<unknown>): void {
  const stop = async (): Promise<void> => void (await iterator.return?.());
  stop().catch(() => undefined);
}
