import { Logger, type Type } from '@nestjs/common';
import { isPromiseLike } from '../connection/settle.js';
import { stackOf } from '../errors/describe-error.js';
import { CloseCode } from '../protocol/close-code.js';

type Hook = (this: object, client: Closable, ...rest: unknown[]) => unknown;

/** A client as far as it has to be closed. */
interface Closable {
  close(code: number, reason: string): void;
}

export type HookName = 'handleConnection' | 'handleDisconnect';

/** Told that a hook of a gateway was called for a client, and what it still does. */
export type HookWatcher = (hook: HookName, gateway: Type, pending: PromiseLike<unknown> | undefined) => void;

const logger = new Logger('PlackWebSocket');
const guardedHooks = new WeakSet<object>();
/** The clients of our adapters. A gateway class may serve those of another adapter in the same process as well. */
const watchers = new WeakMap<object, HookWatcher>();

/** Guards the hooks that are called for this client from now on, and tells of each call. */
export function watchHooks(client: object, watcher: HookWatcher): void {
  watchers.set(client, watcher);
}

/**
 * Makes `handleConnection` and `handleDisconnect` of a stock gateway harmless: Nest calls them inside an RxJS
 * subscriber, where a throw or a rejection ends the process. An error is logged; in `handleConnection` it closes the
 * client with 1011.
 *
 * The hooks are guarded where they are found: a gateway of request scope has an instance for each client, which comes
 * to them by its class.
 */
export function guardGateway(gateway: Type, instance: object): void {
  guard(gateway, instance, 'handleConnection', (client) => client.close(CloseCode.internalError, 'internal error'));
  guard(gateway, instance, 'handleDisconnect');
}

function guard(gateway: Type, instance: object, name: HookName, onFault?: (client: Closable) => void): void {
  const owner = (Object.hasOwn(instance, name) ? instance : gateway.prototype) as Record<string, unknown>;
  const original = owner[name];
  if (typeof original !== 'function' || (Object.hasOwn(owner, name) && guardedHooks.has(original))) return;
  const fail = (client: Closable, error: unknown): void => {
    logger.error(`${gateway.name}.${name} failed.`, stackOf(error));
    onFault?.(client);
  };
  const guarded: Hook = function (client, ...rest) {
    const watch = watchers.get(client);
    if (watch === undefined) return (original as Hook).call(this, client, ...rest);
    let pending: Promise<unknown> | undefined;
    try {
      const result: unknown = (original as Hook).call(this, client, ...rest);
      if (isPromiseLike(result)) pending = Promise.resolve(result).catch((error: unknown) => fail(client, error));
    } catch (error) {
      fail(client, error);
    }
    watch(name, gateway, pending);
    return pending;
  };
  guardedHooks.add(guarded);
  Object.defineProperty(owner, name, { value: guarded, configurable: true, writable: true });
}
