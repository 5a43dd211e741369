import { setImmediate as nextTurn } from 'node:timers/promises';
import { Subscription, type Observable } from 'rxjs';
import { returnQuietly } from '../../endpoint/async-iterable.js';
import { stopQuietly } from '../../endpoint/completion.js';
import type { Connection } from '../../connection/connection.js';

/** Items that may leave without giving the event loop a turn; a generator that never waits must not hold it. */
const ITEMS_PER_TURN = 16;

/** Ends of a stream of replies that its owner wants to know about. */
export interface StreamEnd {
  onError(error: unknown): void;
  onEnd(): void;
}

/**
 * Sends each item of an Observable until it ends or the connection does. An Observable cannot be slowed down: what the
 * peer does not read is bounded by `limits.maxBufferedBytes`.
 */
export function streamObservable(
  connection: Connection,
  source: Observable<unknown>,
  send: (item: unknown) => void,
  end: StreamEnd,
): void {
  const subscription = new Subscription();
  let over = false;
  const finish = (): void => {
    over = true;
    stopQuietly(subscription);
  };
  const stop = (): void => {
    if (over) return;
    finish();
    end.onEnd();
  };
  const fail = (error: unknown): void => {
    if (over) return;
    finish();
    end.onError(error);
  };
  // Nothing may be thrown inside a subscriber: RxJS would throw it again where nobody can catch it.
  const inner = source.subscribe({
    next: (item) => {
      if (over) return;
      try {
        send(item);
      } catch (error) {
        fail(error);
      }
    },
    error: fail,
    complete: stop,
  });
  subscription.add(inner);
  if (over) return;
  // Only what goes on after this tick has to hear of the end; most streams are one value and over by now.
  const { signal } = connection;
  if (signal.aborted) {
    stop();
    return;
  }
  signal.addEventListener('abort', stop, { once: true });
  subscription.add(() => signal.removeEventListener('abort', stop));
}

/** Pulls items one by one: the next is asked for when the socket took the one before. Stops at the end of either. */
export async function streamIterable(
  connection: Connection,
  source: AsyncIterable<unknown>,
  send: (item: unknown) => Promise<unknown>,
): Promise<void> {
  const { signal } = connection;
  const iterator = source[Symbol.asyncIterator]();
  const stop = (): void => returnQuietly(iterator);
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (let items = 1; !signal.aborted; items++) {
      const step = await iterator.next();
      if (step.done === true || signal.aborted) return;
      await send(step.value);
      if (items % ITEMS_PER_TURN === 0) await nextTurn();
    }
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
