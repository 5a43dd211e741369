import { AsyncResource } from 'node:async_hooks';
import { isObservable, Observable, type Subscriber } from 'rxjs';
import type { ExecutionContext, NestInterceptor } from '@nestjs/common';
import { isPromiseLike } from '../connection/settle.js';
import { isAsyncIterable, streamAsyncIterable } from './async-iterable.js';

/**
 * What a method inside interceptors gives: the stream of its results, as Nest makes it. An interceptor may look at,
 * change, replace or leave out what comes. Nothing runs before the stream is subscribed to; everything that can be
 * synchronous is.
 */
export class Intercepted {
  /** Called when the method itself turns out to answer with a stream, which may go on for long. */
  onStream: (() => void) | undefined;
  readonly results: Observable<unknown>;

  constructor(interceptors: readonly NestInterceptor[], context: ExecutionContext, method: () => unknown) {
    const innermost = resultsOf(method, () => this.onStream?.());
    this.results = interceptors.reduceRight<Observable<unknown>>(
      (inner, interceptor) => resultsOf(() => interceptor.intercept(context, { handle: () => bindScope(inner) })),
      innermost,
    );
  }
}

/** Keeps the async context of the call for the subscription, so `als.run(store, () => next.handle())` works. */
function bindScope(inner: Observable<unknown>): Observable<unknown> {
  const scope = new AsyncResource('PlackInterceptor');
  return new Observable((subscriber) => scope.runInAsyncScope(() => inner.subscribe(subscriber)));
}

/** The results of one call as a stream: a value is one item, a stream is its items. */
function resultsOf(call: () => unknown, onStream?: () => void): Observable<unknown> {
  return new Observable((subscriber) => {
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      subscriber.error(error);
      return;
    }
    return forward(result, subscriber, onStream);
  });
}

function forward(
  result: unknown,
  subscriber: Subscriber<unknown>,
  onStream: (() => void) | undefined,
): (() => void) | undefined {
  if (isObservable(result) || isAsyncIterable(result)) {
    onStream?.();
    const stream = isObservable(result) ? result : streamAsyncIterable(result);
    const subscription = stream.subscribe(subscriber);
    return () => subscription.unsubscribe();
  }
  if (isPromiseLike(result)) {
    let stop: (() => void) | undefined;
    result.then(
      (value) => {
        if (!subscriber.closed) stop = forward(value, subscriber, onStream);
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => stop?.();
  }
  subscriber.next(result);
  subscriber.complete();
  return undefined;
}
