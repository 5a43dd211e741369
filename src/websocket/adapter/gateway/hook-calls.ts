import type { Type } from '@nestjs/common';

/**
 * The calls of one hook for one client, of all gateways that share its path. Nest makes these calls inside RxJS
 * subscribers and does not report how they end. A gateway of request scope has to be built first, so its call comes later,
 * and does not come at all if that fails.
 */
export class HookCalls {
  readonly #uncalled: Set<Type>;
  readonly #running = new Set<Type>();
  readonly #pending: PromiseLike<unknown>[] = [];
  #onAllCalled: (() => void) | undefined;

  constructor(
    private readonly hook: string,
    gateways: readonly Type[],
  ) {
    this.#uncalled = new Set(gateways);
  }

  /** A gateway was called; `pending` is what it still does. */
  note(gateway: Type, pending: PromiseLike<unknown> | undefined): void {
    if (pending !== undefined) {
      this.#running.add(gateway);
      this.#pending.push(pending.then(() => this.#running.delete(gateway)));
    }
    if (this.#uncalled.delete(gateway) && this.#uncalled.size === 0) this.#onAllCalled?.();
  }

  /** Gives up those that were not called. */
  readonly abandon = (): void => {
    this.#uncalled.clear();
    this.#onAllCalled?.();
  };

  /**
   * Waits until all have been called and are done; `undefined` when they are.
   * @param timeoutMs time for the calls to begin, in milliseconds; 0 for no limit. Past it the promise rejects.
   */
  settle(timeoutMs: number): Promise<unknown> | undefined {
    if (this.#uncalled.size > 0) return this.#allCalled(timeoutMs).then(() => Promise.all(this.#pending));
    return this.#pending.length === 0 ? undefined : Promise.all(this.#pending);
  }

  /** The hooks that were called and go on: `ChatGateway.handleConnection`. */
  get running(): string {
    return [...this.#running].map(({ name }) => `${name}.${this.hook}`).join(' and ');
  }

  #allCalled(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`${this.#names} could not be made for a client in ${timeoutMs} ms.`));
      const timer = timeoutMs > 0 ? setTimeout(fail, timeoutMs) : undefined;
      this.#onAllCalled = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get #names(): string {
    return [...this.#uncalled].map(({ name }) => name).join(', ');
  }
}
