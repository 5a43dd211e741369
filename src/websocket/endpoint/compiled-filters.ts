import type { ExecutionContext, Type } from '@nestjs/common';
import { chain, type MaybePromise } from '../connection/settle.js';
import type { BoundFilter, Enhancers } from './enhancers.js';

/** What became of an exception: a filter took it, with what it returned, or nobody did. */
export type FilterOutcome = { readonly handled: false } | { readonly handled: true; readonly value: unknown };

export const UNHANDLED: FilterOutcome = { handled: false };

/**
 * A throw-away HTTP response: whatever a filter written for HTTP does to it, nothing happens. Its methods return
 * itself, so chains like `response.status(500).json(…)` work.
 */
class IgnoredResponse {
  touched = false;

  readonly proxy: object = new Proxy(() => undefined, {
    get: (_target, name) => {
      this.touched = true;
      if (name === 'then' || typeof name === 'symbol') return undefined;
      if (name === 'headersSent' || name === 'sent' || name === 'writableEnded') return false;
      return () => this.proxy;
    },
    has: () => {
      this.touched = true;
      return true;
    },
    set: () => {
      this.touched = true;
      return true;
    },
  });
}

/**
 * Gives an exception of a message handler to the filters of its method and class, then to the global ones. A filter
 * that returns nothing has handled it.
 *
 * Global filters are mostly written for HTTP. One that reaches for the HTTP response finds one that ignores everything,
 * and the exception counts as unhandled, so the client still gets the default answer.
 *
 * @throws what a filter throws.
 */
export function filterMessageError(
  { filters, globalFilters }: Enhancers,
  exception: unknown,
  host: ExecutionContext,
): MaybePromise<FilterOutcome> {
  const own = select(filters, exception);
  if (own !== undefined) return { handled: true, value: own.func(exception, host) };
  const global = select(globalFilters, exception);
  if (global === undefined) return UNHANDLED;
  const ignored = new IgnoredResponse();
  // An asynchronous filter may reach for the response late, so it is judged when it is done.
  return chain(global.func(exception, shieldHost(host, ignored)), (value) =>
    ignored.touched ? UNHANDLED : { handled: true, value },
  );
}

/** Gives an exception of the handshake to all filters; they answer through the response of the host. */
export function filterHandshakeError(
  { filters, globalFilters }: Enhancers,
  exception: unknown,
  host: ExecutionContext,
): FilterOutcome {
  const filter = select(filters, exception) ?? select(globalFilters, exception);
  return filter === undefined ? UNHANDLED : { handled: true, value: filter.func(exception, host) };
}

function select(filters: readonly BoundFilter[], exception: unknown): BoundFilter | undefined {
  return filters.find(
    ({ exceptionMetatypes }) =>
      exceptionMetatypes.length === 0 || exceptionMetatypes.some((type: Type) => exception instanceof type),
  );
}

/** The same host, but what HTTP code takes for the response is the ignored one. */
function shieldHost(host: ExecutionContext, ignored: IgnoredResponse): ExecutionContext {
  return new Proxy(host, {
    get: (target, name) => {
      if (name === 'switchToHttp') {
        return () => ({
          getRequest: () => target.getArgByIndex<unknown>(0),
          getResponse: () => ignored.proxy,
          getNext: () => ignored.proxy,
        });
      }
      if (name === 'getArgByIndex') {
        return (index: number) => (index === 1 ? ignored.proxy : target.getArgByIndex<unknown>(index));
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
