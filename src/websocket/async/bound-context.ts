import { AsyncResource } from 'node:async_hooks';

/**
 * Keeps the async context of this moment for a function that is called later. `AsyncResource.bind` does the same, at twenty
 * times the price: on Node 20 it deprecates a property of each function that it makes.
 */
export function inThisContext<Arguments extends unknown[], T>(
  run: (...args: Arguments) => T,
): (...args: Arguments) => T {
  const scope = new AsyncResource('PlackContext');
  return (...args) => scope.runInAsyncScope(run, undefined, ...args);
}
