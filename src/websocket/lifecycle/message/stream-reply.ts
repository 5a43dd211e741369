import { setImmediate as nextTurn } from 'node:timers/promises';
import { Subscription, type Observable } from 'rxjs';
import { ITEMS_PER_TURN, leaveUnread, returnQuietly } from '../../async/async-iterable.js';
import { handleQuietly } from '../../async/at-once.js';
import { inThisContext } from '../../async/bound-context.js';
import { stopQuietly } from '../../async/completion.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import type { ServedConnection } from '../../connection/served-connection.js';

/** Items that may wait behind one that is a promise. An Observable cannot be slowed down, and memory has an end. */
const MAX_WAITING_ITEMS = 10_000;

/** Ends of a stream of replies that its owner wants to know about. */
export interface StreamEnd {
  onError(error: unknown): void;
  onEnd(): void;
}

/**
 * Sends each item of an Observable until it ends or the connection closes. An Observable cannot be slowed down: what the
 * peer does not read is bounded by `limits.maxBufferedBytes`.
 *
 * @param isHandler the Observable stands for a handler that has not answered yet, so it goes on until the socket is closed.
 * @returns what stops it; `undefined` when it is over.
 * @throws TooManyStreamsError before it has begun.
 */
export function streamObservable(
  connection: ServedConnection,
  source: Observable<unknown>,
  send: (item: unknown) => void,
  end: StreamEnd,
  isHandler = false,
): (() => void) | undefined {
  const refusal = isHandler ? undefined : connection.streamRefusal;
  if (refusal !== undefined) throw refusal;
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
  // Nothing may be thrown inside a subscriber: RxJS would throw it again where it cannot be caught.
  const deliver = (item: unknown): void => {
    if (over) return;
    try {
      send(item);
    } catch (error) {
      fail(error);
    }
  };
  const turns = new Turns(deliver, fail);
  const inner = source.subscribe({
    next: (item) => {
      if (!over) turns.take(item);
    },
    error: (error: unknown) => turns.end(() => fail(error)),
    complete: () => turns.end(stop),
  });
  subscription.add(inner);
  // Only what goes on after this tick has to hear of the end; most streams are one value and over by now.
  if (over) return undefined;
  // The clean-up runs in the async context of the handler, as the rest of it.
  const stopInContext = inThisContext(stop);
  if (isHandler ? connection.signal.aborted : !connection.addStream(stopInContext)) {
    stop();
    return undefined;
  }
  if (isHandler) connection.signal.addEventListener('abort', stopInContext, { once: true });
  subscription.add(() => {
    if (isHandler) connection.signal.removeEventListener('abort', stopInContext);
    else connection.removeStream(stopInContext);
  });
  return stopInContext;
}

/**
 * Pulls items one by one: the next is asked for when the socket took the one before. Stops when the connection closes. Rejects
 * with a TooManyStreamsError before it has begun.
 */
export async function streamIterable(
  connection: ServedConnection,
  source: AsyncIterable<unknown>,
  send: (item: unknown) => Promise<unknown> | undefined,
): Promise<void> {
  const refusal = connection.streamRefusal;
  if (refusal !== undefined) {
    leaveUnread(source);
    throw refusal;
  }
  const iterator = source[Symbol.asyncIterator]();
  let over = false;
  // The clean-up runs in the async context of the handler, as the rest of the generator.
  const stop = inThisContext((): void => {
    over = true;
    returnQuietly(iterator);
  });
  if (!connection.addStream(stop)) {
    stop();
    leaveUnread(source);
    return;
  }
  try {
    for (let items = 1; !over; items++) {
      const step = await iterator.next();
      if (step.done === true || over) return;
      await send(isPromiseLike(step.value) ? await step.value : step.value);
      if (items % ITEMS_PER_TURN === 0) await nextTurn();
    }
  } catch (error) {
    if (!over) stop();
    throw error;
  } finally {
    connection.removeStream(stop);
  }
}

/**
 * Items in their order, where some may be promises: each is awaited before the next, as in an async generator, so that an
 * interceptor may `map` to promises.
 */
class Turns {
  #last: Promise<void> | undefined;
  #waiting = 0;

  constructor(
    private readonly deliver: (item: unknown) => void,
    private readonly fail: (error: unknown) => void,
  ) {}

  take(item: unknown): void {
    try {
      if (this.#last === undefined && !isPromiseLike(item)) {
        this.deliver(item);
        return;
      }
    } catch (error) {
      // An item may throw when it is looked at.
      this.fail(error);
      return;
    }
    // One that fails before its turn must not count as unhandled.
    handleQuietly(item);
    if (++this.#waiting > MAX_WAITING_ITEMS) {
      this.fail(new Error(`More than ${MAX_WAITING_ITEMS} items of a stream wait for one that is a promise.`));
      return;
    }
    const turn = (this.#last ?? Promise.resolve()).then(() => item).then(this.deliver, this.fail);
    this.#last = turn;
    void turn.then(() => {
      this.#waiting--;
      if (this.#last === turn) this.#last = undefined;
    });
  }

  /** After the items that came before it. */
  end(then: () => void): void {
    if (this.#last === undefined) then();
    else void this.#last.then(then);
  }
}
