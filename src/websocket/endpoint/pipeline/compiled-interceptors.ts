import { AsyncResource } from 'node:async_hooks';
import { isObservable, Observable, type Subscriber } from 'rxjs';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { inThisContext } from '../../async/bound-context.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import { isAsyncIterable, leaveUnread, streamAsyncIterable, type StreamName } from '../../async/async-iterable.js';
import { stopQuietly } from '../../async/completion.js';

/**
 * What a method inside interceptors gives: the stream of its results, as Nest makes it. An interceptor may look at,
 * change, replace or leave out what comes. Nothing runs before the stream is subscribed to; everything that can be
 * synchronous is.
 */
export class Intercepted implements StreamOwner {
  /** Hears of a stream that the method answers with; set before `results` is subscribed to. */
  owner: StreamOwner | undefined;
  readonly results: Observable<unknown>;

  constructor(interceptors: readonly NestInterceptor[], context: ExecutionContext, method: () => unknown) {
    let results = resultsOf(method, this);
    for (let i = interceptors.length - 1; i >= 0; i--) {
      const interceptor = interceptors[i];
      if (interceptor === undefined) continue;
      const next = new InnerCall(results);
      results = resultsOf(() => interceptor.intercept(context, next));
    }
    this.results = results;
  }

  beginStream(stream: MethodStream): Error | undefined {
    return this.owner?.beginStream(stream);
  }

  pace(): Promise<unknown> | undefined {
    return this.owner?.pace();
  }

  get streamName(): StreamName | undefined {
    return this.owner?.streamName;
  }
}

/** What an interceptor has before it: the interceptors behind it, and the method. */
class InnerCall implements CallHandler {
  constructor(private readonly results: Observable<unknown>) {}

  handle(): Observable<unknown> {
    return bindScope(this.results);
  }
}

/** The stream that a method answers with; interceptors may make another one of it. */
export interface MethodStream {
  /** Ends it, where an interceptor forgets to. */
  stop(): void;
  /** Runs something once it is over. */
  whenOver(callback: () => void): void;
}

/** What the owner of a call wants to know of, and say to, a stream that the method gives. */
export interface StreamOwner {
  /**
   * The method turns out to answer with a stream, which may go on for long. Gives the reason where it must not begin. Never
   * throws: behind a promise there is no one to catch it.
   */
  beginStream(stream: MethodStream): Error | undefined;
  /** What the next item of an AsyncIterable has to wait for. */
  pace(): Promise<unknown> | undefined;
  /** What is said of an AsyncIterable that does not stop. */
  readonly streamName: StreamName | undefined;
}

/** Keeps the async context of the call for the subscription, so `als.run(store, () => next.handle())` works. */
function bindScope(inner: Observable<unknown>): Observable<unknown> {
  const scope = new AsyncResource('PlackInterceptor');
  return new Observable((subscriber) => scope.runInAsyncScope(() => inner.subscribe(subscriber)));
}

/** The results of one call as a stream: a value is one item, a stream is its items. */
function resultsOf(call: () => unknown, owner?: StreamOwner): Observable<unknown> {
  return new Observable((subscriber) => {
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      subscriber.error(error);
      return;
    }
    return forward(result, subscriber, owner);
  });
}

function forward(
  result: unknown,
  subscriber: Subscriber<unknown>,
  owner: StreamOwner | undefined,
): (() => void) | undefined {
  // A promise first: a query of a database may be a cursor as well, and is awaited without interceptors too.
  if (isPromiseLike(result)) {
    let stop: (() => void) | undefined;
    result.then(
      (value) => {
        if (!subscriber.closed) stop = forward(value, subscriber, owner);
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => stop?.();
  }
  if (isObservable(result) || isAsyncIterable(result)) {
    const refusal = owner?.beginStream({
      stop: () => stopQuietly(subscriber),
      whenOver: (callback) => subscriber.add(callback),
    });
    if (refusal !== undefined) {
      if (isAsyncIterable(result)) leaveUnread(result);
      subscriber.error(refusal);
      return undefined;
    }
    const stream = isObservable(result) ? result : streamAsyncIterable(result, () => owner?.pace(), owner?.streamName);
    // A subscription of its own, so that its clean-up runs in the async context that it began in.
    const subscription = stream.subscribe({
      next: (item) => subscriber.next(item),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    // Most chains are one value and over by now.
    return subscription.closed ? undefined : inThisContext(() => subscription.unsubscribe());
  }
  subscriber.next(result);
  subscriber.complete();
  return undefined;
}
