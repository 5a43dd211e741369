import { AsyncResource } from 'node:async_hooks';
import { isObservable, Observable, type Subscriber } from 'rxjs';
import type { ExecutionContext, NestInterceptor } from '@nestjs/common';
import { inThisContext } from '../../async/bound-context.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import { isAsyncIterable, leaveUnread, streamAsyncIterable } from '../../async/async-iterable.js';
import { stopQuietly } from '../../async/completion.js';

/**
 * What a method inside interceptors gives: the stream of its results, as Nest makes it. An interceptor may look at,
 * change, replace or leave out what comes. Nothing runs before the stream is subscribed to; everything that can be
 * synchronous is.
 */
export class Intercepted {
  /**
   * Called when the method itself turns out to answer with a stream, which may go on for long; with what ends it. What it gives
   * is an error, and the stream is not begun.
   */
  onStream: ((stream: MethodStream) => Error | undefined) | undefined;
  /** What the next item of an AsyncIterable has to wait for. */
  pace: (() => Promise<unknown> | undefined) | undefined;
  readonly results: Observable<unknown>;

  constructor(interceptors: readonly NestInterceptor[], context: ExecutionContext, method: () => unknown) {
    const innermost = resultsOf(method, {
      begin: (stream) => this.onStream?.(stream),
      pace: () => this.pace?.(),
    });
    this.results = interceptors.reduceRight<Observable<unknown>>(
      (inner, interceptor) => resultsOf(() => interceptor.intercept(context, { handle: () => bindScope(inner) })),
      innermost,
    );
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
interface StreamOwner {
  /** Why it must not begin. Never throws: behind a promise there is no one to catch it. */
  begin(stream: MethodStream): Error | undefined;
  pace(): Promise<unknown> | undefined;
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
    const refusal = owner?.begin({
      stop: () => stopQuietly(subscriber),
      whenOver: (callback) => subscriber.add(callback),
    });
    if (refusal !== undefined) {
      if (isAsyncIterable(result)) leaveUnread(result);
      subscriber.error(refusal);
      return undefined;
    }
    const stream = isObservable(result) ? result : streamAsyncIterable(result, () => owner?.pace());
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
