import { setTimeout as delay } from 'node:timers/promises';
import type { ClosingDecision } from '../../connection/connection.js';
import type { ConnectionRegistry } from '../../connection/connection-registry.js';
import type { ShutdownOptions } from './shutdown.options.js';

/** Part of the time that is kept for closing handshakes: whoever is still busy then is closed all the same. */
const CLOSING_SHARE = 0.25;

/** Time for finish handlers of connections that had to be cut, in milliseconds. */
const AFTER_CUT_MS = 1_000;

/**
 * The polite end: new upgrades are turned away, every client gets a close frame once what it had sent is handled,
 * running handlers and `@OnFinish` are awaited, and whoever does not answer in time is cut.
 */
export class Drain {
  /** Connections whose finish handlers have not settled yet. */
  #open = 0;
  #stragglers = 0;
  #onIdle: (() => void) | undefined;
  #done: Promise<void> | undefined;

  constructor(
    private readonly registry: ConnectionRegistry,
    private readonly options: ShutdownOptions,
  ) {}

  /** One more connection is there. */
  readonly established = (): void => void this.#open++;

  /** One connection is over. */
  readonly ended = (): void => {
    this.#open--;
    this.#checkIdle();
  };

  /** Handlers that outlive their connection; counted, because holding them would hold the connection. */
  readonly stragglers = {
    begin: (): void => void this.#stragglers++,
    end: (): void => {
      this.#stragglers--;
      this.#checkIdle();
    },
  };

  /** Ends all connections; once, however often it is called. Never rejects. */
  run(): Promise<void> {
    return (this.#done ??= this.#run());
  }

  async #run(): Promise<void> {
    this.registry.moveTo('draining');
    const { code, reason, graceMs } = this.options;
    const decision: ClosingDecision = { code, reason, initiator: 'shutdown' };
    const over = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
    void idle.then(() => over.abort());
    const closing = this.#closeAll(decision, over.signal);
    await Promise.race([idle, pause(graceMs * (1 - CLOSING_SHARE), over.signal)]);
    for (const { driver } of this.registry.all()) driver?.closeNow(decision);
    await Promise.race([idle, pause(graceMs * CLOSING_SHARE, over.signal)]);
    for (const connection of this.registry.all())
      if (connection.driver !== undefined) connection.terminateAs('shutdown');
    await Promise.race([idle, pause(AFTER_CUT_MS, over.signal)]);
    over.abort();
    await closing;
    this.registry.moveTo('closed');
  }

  #checkIdle(): void {
    if (this.#open === 0 && this.#stragglers === 0) this.#onIdle?.();
  }

  async #closeAll(decision: ClosingDecision, signal: AbortSignal): Promise<void> {
    const { batch, intervalMs } = this.options;
    let inBatch = 0;
    for (const { driver } of this.registry) {
      if (signal.aborted) return;
      if (driver === undefined) continue;
      driver.drain(decision);
      if (++inBatch < batch) continue;
      inBatch = 0;
      await pause(intervalMs * (0.5 + Math.random()), signal);
    }
  }
}

/** Waits; an abort ends it early. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => undefined);
}
