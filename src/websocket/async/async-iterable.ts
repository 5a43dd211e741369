import { setImmediate as nextTurn } from 'node:timers/promises';
import { Observable } from 'rxjs';
import { log } from '../log/log.js';

/** Items that may come without giving the event loop a turn; a generator that never waits must not hold it. */
export const ITEMS_PER_TURN = 16;

/** Tells whether a value is an AsyncIterable; a string or an array is a value, not a stream. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * The items of an AsyncIterable as an Observable; it is told to stop (`return()`) after the last subscriber left.
 * @param pace what the next item has to wait for: the socket, which takes the ones before.
 * @param name for the log, where it does not stop when it is told to.
 */
export function streamAsyncIterable(
  iterable: AsyncIterable<unknown>,
  pace: () => Promise<unknown> | undefined = () => undefined,
  name?: StreamName,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const iterator = iterable[Symbol.asyncIterator]();
    void (async () => {
      try {
        for (let items = 1; ; items++) {
          const step = await iterator.next();
          if (subscriber.closed) return;
          if (step.done === true) break;
          subscriber.next(step.value);
          await pace();
          if (items % ITEMS_PER_TURN === 0) await nextTurn();
        }
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    })();
    return () => returnQuietly(iterator, name);
  });
}

/**
 * Ends an AsyncIterable that was never asked for an item, without beginning it. A generator has nothing to end, but a stream of
 * Node has its file open from the start, and an iterator of events its listeners.
 */
export function leaveUnread(iterable: AsyncIterable<unknown>): void {
  const { destroy, return: stop } = iterable as { destroy?: unknown; return?: unknown };
  if (typeof destroy === 'function') destroy.call(iterable);
  else if (typeof stop === 'function') returnQuietly(iterable as unknown as AsyncIterator<unknown>);
}

/** What is said of a stream that does not stop. */
export interface StreamName {
  /** The method that gave it. */
  readonly method: string;
  /** Time that it may take to stop before it is named in the log, in milliseconds; 0 for as long as it likes. */
  readonly lateMs: number;
}

/** Tells an iterator to stop. What its clean-up throws or rejects with is logged: its caller is gone. */
export function returnQuietly(iterator: AsyncIterator<unknown>, name?: StreamName): void {
  const stop = async (): Promise<void> => void (await iterator.return?.());
  const stopped = stop().catch((error: unknown) => log.error('clean-up', 'The clean-up of a stream failed', error));
  if (name === undefined || name.lateMs === 0) return;
  const { method, lateMs } = name;
  const timer = setTimeout(() => nameLate(method, lateMs), lateMs).unref();
  void stopped.then(() => clearTimeout(timer));
}

/** A generator that waits in a read cannot be stopped from outside. */
function nameLate(method: string, lateMs: number): void {
  log.warn(
    'late stream',
    `The stream of ${method} goes on ${lateMs} ms after it was told to stop: it waits for something that does not hear of the end. ` +
      'Take an AbortSignal as a parameter, and give it to what is read.',
  );
}

/** Taken once: a test with fake timers must not keep those of later ones. */
const { setTimeout, clearTimeout } = globalThis;
