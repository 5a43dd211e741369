import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionRegistry } from '../../connection/connection-registry.js';
import type { ShutdownOptions } from './shutdown.options.js';

/** Time for finish handlers of connections that had to be cut, in milliseconds. */
const AFTER_CUT_MS = 1_000;

/**
 * The polite end: new upgrades are turned away, every client gets a close frame, running handlers and `@OnFinish` are
 * awaited, and whoever does not answer in time is cut.
 */
export class Drain {
  #active = 0;
  #onIdle: (() => void) | undefined;
  #done: Promise<void> | undefined;

  constructor(
    private readonly registry: ConnectionRegistry,
    private readonly options: ShutdownOptions,
  ) {}

  /** Connections whose end is not over yet. */
  get active(): number {
    return this.#active;
  }

  /** One more connection is there. */
  readonly established = (): void => {
    this.#active++;
  };

  /** Everything of one connection is over. */
  readonly ended = (): void => {
    this.#active--;
    if (this.#active === 0) this.#onIdle?.();
  };

  /** Ends all connections; once, however often it is called. Never rejects. */
  run(): Promise<void> {
    return (this.#done ??= this.#run());
  }

  async #run(): Promise<void> {
    this.registry.moveTo('draining');
    const { graceMs } = this.options;
    const deadline = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (this.#active === 0) resolve();
    });
    const timer = delay(graceMs, undefined, { signal: deadline.signal }).catch(() => undefined);
    await Promise.race([Promise.all([this.#closeAll(deadline.signal), idle]), timer]);
    deadline.abort();
    if (this.#active > 0) {
      for (const connection of this.registry) connection.terminateAs('shutdown');
      const cut = new AbortController();
      await Promise.race([idle, delay(AFTER_CUT_MS, undefined, { signal: cut.signal }).catch(() => undefined)]);
      cut.abort();
    }
    this.registry.moveTo('closed');
  }

  async #closeAll(signal: AbortSignal): Promise<void> {
    const { code, reason, batch, intervalMs } = this.options;
    let inBatch = 0;
    for (const connection of this.registry) {
      if (signal.aborted) return;
      connection.closeAs({ code, reason, initiator: 'shutdown' });
      if (++inBatch < batch) continue;
      inBatch = 0;
      await delay(intervalMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
}
