import { AsyncResource } from 'node:async_hooks';

/**
 * Begins code of the application in an async context of its own. What it enters with `AsyncLocalStorage.enterWith` stays in
 * there. Without it that would be in what comes next: an HTTP server of Node 20 and 22 has one context for the upgrades of all
 * clients, a socket has one for all of its messages, and in any Node the messages of one read share theirs.
 */
export class CleanContext {
  /** The async context in which the application was started, another object each time. */
  readonly #make = lend(new AsyncResource('PlackWebSocket'));

  run<Arguments extends unknown[], T>(code: (...args: Arguments) => T, ...args: Arguments): T {
    return this.#make().runInAsyncScope(code, undefined, ...args);
  }
}

/**
 * A store that is entered is a property of the resource that runs, so each call gets an object of its own. It borrows the rest
 * from one resource: making a resource for each message costs five times as much.
 */
function lend(resource: AsyncResource): () => AsyncResource {
  const Borrowed = function () {} as unknown as new () => AsyncResource;
  Borrowed.prototype = resource;
  try {
    new Borrowed().runInAsyncScope(() => undefined);
    return () => new Borrowed();
  } catch {
    // A runtime whose resources are more than properties keeps no store in them either.
    return () => resource;
  }
}
