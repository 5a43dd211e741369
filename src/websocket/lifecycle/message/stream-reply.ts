import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Observable, Subscription } from 'rxjs';
import { ITEMS_PER_TURN, leaveUnread, returnQuietly, type StreamName } from '../../async/async-iterable.js';
import { handleQuietly } from '../../async/at-once.js';
import { inThisContext } from '../../async/bound-context.js';
import { stopQuietly } from '../../async/completion.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import type { ServedConnection } from '../../connection/served-connection.js';

/** Items that may wait behind one that is a promise. An Observable cannot be slowed down, and memory has an end. */
const MAX_WAITING_ITEMS = 10_000;

/** Where the items of a stream of replies go, and who hears of its end. */
export interface ReplySink {
  /** Sends one item. @throws MessageEncodingError, which ends the stream */
  send(item: unknown): void;
  /** The stream has failed. */
  failed(error: unknown): void;
  /** The stream has completed, or was stopped. */
  ended(): void;
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
  sink: ReplySink,
  isHandler = false,
): (() => void) | undefined {
  const refusal = isHandler ? undefined : connection.streamRefusal;
  if (refusal !== undefined) throw refusal;
  return new ObservedReply(connection, sink, isHandler).observe(source);
}

/**
 * An Observable whose items are sent in their order, where some may be promises: each is awaited before the next, as in an
 * async generator, so that an interceptor may `map` to promises.
 */
class ObservedReply {
  #isOver = false;
  #subscription: Subscription | undefined;
  /** Stops it in the async context of the handler, as the rest of it; only where it goes on after its first turn. */
  #stopInContext: (() => void) | undefined;
  /** The item before the next one, where that has to be waited for. */
  #last: Promise<void> | undefined;
  #waiting = 0;

  constructor(
    private readonly connection: ServedConnection,
    private readonly sink: ReplySink,
    private readonly isHandler: boolean,
  ) {}

  observe(source: Observable<unknown>): (() => void) | undefined {
    const subscription = source.subscribe(this);
    // Most streams are one value and over by now.
    if (this.#isOver) {
      stopQuietly(subscription);
      return undefined;
    }
    this.#subscription = subscription;
    const stop = (this.#stopInContext = inThisContext(() => this.#stop()));
    if (!this.#hearOfTheEnd(stop)) {
      this.#stop();
      return undefined;
    }
    return stop;
  }

  next(item: unknown): void {
    if (this.#isOver) return;
    try {
      if (this.#last === undefined && !isPromiseLike(item)) {
        this.#deliver(item);
        return;
      }
    } catch (error) {
      // An item may throw when it is looked at.
      this.#fail(error);
      return;
    }
    this.#wait(item);
  }

  /** After the items that came before it. */
  error(error: unknown): void {
    if (this.#last === undefined) this.#fail(error);
    else void this.#last.then(() => this.#fail(error));
  }

  complete(): void {
    if (this.#last === undefined) this.#stop();
    else void this.#last.then(() => this.#stop());
  }

  #wait(item: unknown): void {
    // One that fails before its turn must not count as unhandled.
    handleQuietly(item);
    if (++this.#waiting > MAX_WAITING_ITEMS) {
      this.#fail(new Error(`More than ${MAX_WAITING_ITEMS} items of a stream wait for one that is a promise.`));
      return;
    }
    const turn = (this.#last ?? Promise.resolve())
      .then(() => item)
      .then(
        (value) => this.#deliver(value),
        (error: unknown) => this.#fail(error),
      );
    this.#last = turn;
    void turn.then(() => {
      this.#waiting--;
      if (this.#last === turn) this.#last = undefined;
    });
  }

  /** Nothing may be thrown inside a subscriber: RxJS would throw it again where it cannot be caught. */
  #deliver(item: unknown): void {
    if (this.#isOver) return;
    try {
      this.sink.send(item);
    } catch (error) {
      this.#fail(error);
    }
  }

  #hearOfTheEnd(stop: () => void): boolean {
    const { connection } = this;
    if (!this.isHandler) return connection.addStream(stop);
    const { signal } = connection;
    if (signal.aborted) return false;
    signal.addEventListener('abort', stop, { once: true });
    return true;
  }

  #fail(error: unknown): void {
    if (this.#finish()) this.sink.failed(error);
  }

  #stop(): void {
    if (this.#finish()) this.sink.ended();
  }

  /** Gives `false` when it was over already. */
  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    if (this.#subscription !== undefined) stopQuietly(this.#subscription);
    if (this.#stopInContext !== undefined) {
      if (this.isHandler) this.connection.signal.removeEventListener('abort', this.#stopInContext);
      else this.connection.removeStream(this.#stopInContext);
    }
    return true;
  }
}

/**
 * Pulls items one by one: the next is asked for when the socket took the one before. Stops when the connection closes. Rejects
 * with a TooManyStreamsError before it has begun.
 * @param name for the log, where it does not stop when it is told to.
 */
export async function streamIterable(
  connection: ServedConnection,
  source: AsyncIterable<unknown>,
  send: (item: unknown) => Promise<unknown> | undefined,
  name: StreamName,
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
    returnQuietly(iterator, name);
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
