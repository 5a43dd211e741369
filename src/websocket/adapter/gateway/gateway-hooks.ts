import type { Type } from '@nestjs/common';
import { isPromiseLike } from '../../async/maybe-promise.js';

type Hook = (this: object, client: object, ...rest: unknown[]) => unknown;

export type HookName = 'handleConnection' | 'handleDisconnect';

/** A call that failed. */
export interface FailedCall {
  readonly instance: object;
  readonly args: readonly unknown[];
  readonly error: unknown;
}

/** Told of the hooks of gateways that are called for one client. */
export interface HookWatcher {
  /** A hook was called; `pending` is what it still does. */
  called(hook: HookName, gateway: Type, pending: PromiseLike<unknown> | undefined): void;
  /** A hook failed; what is done about it. */
  failed(hook: HookName, gateway: Type, call: FailedCall): PromiseLike<unknown>;
}

const wrappedHooks = new WeakSet<object>();
/** The clients of our adapters. A gateway class may serve those of another adapter in the same process as well. */
const watchers = new WeakMap<object, HookWatcher>();

/** Guards the hooks that are called for this client from now on, and tells of each call. */
export function watchHooks(client: object, watcher: HookWatcher): void {
  watchers.set(client, watcher);
}

/**
 * Makes `handleConnection` and `handleDisconnect` of a stock gateway harmless: Nest calls them inside an RxJS
 * subscriber, where a throw or a rejection ends the process. An error is told to the watcher of the client.
 *
 * The hooks are wrapped where they are found: a gateway of request scope has an instance for each client, which comes
 * to them by its class.
 */
export function catchHookErrors(gateway: Type, instance: object): void {
  wrap(gateway, instance, 'handleConnection');
  wrap(gateway, instance, 'handleDisconnect');
}

function wrap(gateway: Type, instance: object, name: HookName): void {
  const owner = (Object.hasOwn(instance, name) ? instance : gateway.prototype) as Record<string, unknown>;
  const original = owner[name];
  if (typeof original !== 'function' || (Object.hasOwn(owner, name) && wrappedHooks.has(original))) return;
  const wrapped: Hook = function (client, ...rest) {
    const watcher = watchers.get(client);
    if (watcher === undefined) return (original as Hook).call(this, client, ...rest);
    const fail = (error: unknown): PromiseLike<unknown> =>
      watcher.failed(name, gateway, { instance: this, args: [client, ...rest], error });
    let pending: PromiseLike<unknown> | undefined;
    try {
      const result: unknown = (original as Hook).call(this, client, ...rest);
      if (isPromiseLike(result)) pending = Promise.resolve(result).catch(fail);
    } catch (error) {
      pending = fail(error);
    }
    watcher.called(name, gateway, pending);
    return pending;
  };
  wrappedHooks.add(wrapped);
  Object.defineProperty(owner, name, { value: wrapped, configurable: true, writable: true });
}
