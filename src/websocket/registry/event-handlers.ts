import { isPromiseLike } from '../async/maybe-promise.js';
import type { Unregister } from '../connection/handler-list.js';
import { log } from '../log/log.js';

/** The handlers of one event of the registry; the same function registered twice is two registrations. */
export class EventHandlers<Handler> {
  readonly #registrations = new Set<{ readonly handler: Handler }>();

  get size(): number {
    return this.#registrations.size;
  }

  add(handler: Handler): Unregister {
    const registration = { handler };
    this.#registrations.add(registration);
    return () => void this.#registrations.delete(registration);
  }

  /**
   * Calls a snapshot of them. A throw or a rejection is logged.
   * @returns what settles when all have; `undefined` when all have already.
   */
  tell(call: (handler: Handler) => unknown): Promise<unknown> | undefined {
    const pending: PromiseLike<unknown>[] = [];
    for (const { handler } of [...this.#registrations]) {
      const settled = tellOne(handler, call);
      if (settled !== undefined) pending.push(settled);
    }
    return pending.length === 0 ? undefined : Promise.all(pending);
  }
}

/** Calls one handler; gives what settles when it has, `undefined` when it has already. A throw or a rejection is logged. */
export function tellOne<Handler>(
  handler: Handler,
  call: (handler: Handler) => unknown,
): PromiseLike<unknown> | undefined {
  try {
    const result = call(handler);
    return isPromiseLike(result) ? result.then(undefined, logFailure) : undefined;
  } catch (error) {
    logFailure(error);
    return undefined;
  }
}

function logFailure(error: unknown): void {
  log.error('registry', 'A registry handler failed', error);
}
