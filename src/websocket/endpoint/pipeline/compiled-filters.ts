import type { ExecutionContext, Type } from '@nestjs/common';
import { continueWith, type MaybePromise } from '../../async/maybe-promise.js';
import type { BoundFilter, Enhancers } from './enhancers.js';
import { IgnoredResponse } from './ignored-response.js';

/** Whether a filter took an exception, and what it returned. */
export type FilterOutcome = { readonly handled: false } | { readonly handled: true; readonly value: unknown };

export const UNHANDLED: FilterOutcome = { handled: false };

/**
 * Gives an exception of a message handler to the filters of its method and class, then to the global ones. A filter
 * that returns nothing has handled it.
 *
 * A filter that is written for HTTP reaches for the HTTP response. It finds one that ignores everything, and the exception
 * counts as unhandled, so the client still gets the default answer. Global filters, which mostly are, find it among the
 * arguments too.
 *
 * @throws what a filter throws.
 */
export function filterMessageError(
  { filters, globalFilters }: Enhancers,
  exception: unknown,
  host: ExecutionContext,
): MaybePromise<FilterOutcome> {
  const own = selectFilter(filters, exception);
  const filter = own ?? selectFilter(globalFilters, exception);
  if (filter === undefined) return UNHANDLED;
  const ignored = new IgnoredResponse();
  // An asynchronous filter may reach for the response late, so it is judged when it is done.
  return continueWith(filter.func(exception, shieldHost(host, ignored, own === undefined)), (value) =>
    ignored.touched ? UNHANDLED : { handled: true, value },
  );
}

/** Gives an exception of the handshake to all filters; they answer through the response of the host. */
export function filterHandshakeError(
  { filters, globalFilters }: Enhancers,
  exception: unknown,
  host: ExecutionContext,
): FilterOutcome {
  const filter = selectFilter(filters, exception) ?? selectFilter(globalFilters, exception);
  return filter === undefined ? UNHANDLED : { handled: true, value: filter.func(exception, host) };
}

/** The first filter that is for an exception. */
export function selectFilter(filters: readonly BoundFilter[], exception: unknown): BoundFilter | undefined {
  return filters.find(
    ({ exceptionMetatypes }) =>
      exceptionMetatypes.length === 0 || exceptionMetatypes.some((type: Type) => exception instanceof type),
  );
}

/** The same host, but what HTTP code takes for the response is the ignored one; among the arguments too where asked for. */
function shieldHost(host: ExecutionContext, ignored: IgnoredResponse, shieldsArguments: boolean): ExecutionContext {
  return new Proxy(host, {
    get: (target, name) => {
      if (name === 'switchToHttp') {
        return () => ({
          getRequest: () => target.switchToHttp().getRequest<unknown>(),
          getResponse: () => ignored.proxy,
          getNext: () => ignored.proxy,
        });
      }
      if (name === 'getArgByIndex' && shieldsArguments) {
        return (index: number) => (index === 1 ? ignored.proxy : target.getArgByIndex<unknown>(index));
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
