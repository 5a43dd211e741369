import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import { visitInSlices } from '../../async/slices.js';
import { log } from '../../log/log.js';
import type { ClosingDecision } from '../../connection/closing-decision.js';
import type { ConnectionDrain } from '../../connection/connection-ports.js';
import type { ConnectionRegistry } from '../../registry/connection-registry.js';
import type { ShutdownOptions } from './shutdown.options.js';

/** Parts of the grace time: what is busy after the first is closed all the same, what is there after the second is cut. */
const CLOSE_SHARE = 0.75;
const CUT_SHARE = 0.875;

/** A shutdown that takes longer says what it waits for, in milliseconds. */
const PATIENCE_MS = 1_000;

/** What is awaited of a connection without a running handler. */
const IDLE = { establishing: '', open: '', closing: ' without an answer to the close frame' };

/** A handler of a gateway, which Nest calls. */
const UNNAMED = 'a method of a gateway';

/**
 * The polite end: new upgrades are turned away, every client gets a close frame once what it had sent is handled,
 * running handlers and `@OnFinish` are awaited, and a client that does not answer in time is cut.
 */
export class Drain implements ConnectionDrain {
  readonly decision: ClosingDecision;
  readonly closeTimeoutMs: number;
  /** Connections whose finish handlers have not settled yet. Only numbers are kept, so what never settles can be garbage. */
  readonly #unfinished = new Map<Type, number>();
  /** Handlers that still run although their connection is over, by their names. */
  readonly #lateHandlers = new Map<string, number>();
  #onIdle: (() => void) | undefined;
  #done: Promise<void> | undefined;

  constructor(
    private readonly registry: ConnectionRegistry,
    private readonly options: ShutdownOptions,
  ) {
    const { code, reason, graceMs, closeTimeoutMs } = options;
    this.decision = { code, reason, initiator: 'shutdown' };
    this.closeTimeoutMs = Math.min(closeTimeoutMs, graceMs * (CUT_SHARE - CLOSE_SHARE));
  }

  /** One more connection of this class is there. */
  established(endpoint: Type): void {
    add(this.#unfinished, endpoint, 1);
  }

  finished(endpoint: Type, lateHandlers: number, name: string | undefined): void {
    add(this.#unfinished, endpoint, -1);
    add(this.#lateHandlers, name ?? UNNAMED, lateHandlers);
    this.#checkIdle();
  }

  lateHandlerSettled(name: string | undefined): void {
    add(this.#lateHandlers, name ?? UNNAMED, -1);
    this.#checkIdle();
  }

  /** Ends all connections. The first call does it, later calls wait for it. Never rejects. */
  run(): Promise<void> {
    return (this.#done ??= this.#run());
  }

  async #run(): Promise<void> {
    this.registry.moveTo('draining');
    const { graceMs } = this.options;
    const over = new AbortController();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
    const naming = setTimeout(() => this.#name('waits for'), PATIENCE_MS).unref();
    const began = performance.now();
    const said = this.#sayGoodbye(graceMs * CLOSE_SHARE);
    if (said !== undefined) await said;
    void idle.then(() => over.abort());
    const closing = this.#closeAll(over.signal);
    await pause(Math.max(0, graceMs * CLOSE_SHARE - (performance.now() - began)), over.signal);
    await visitInSlices(this.registry.all(), (connection) => connection.end(this.decision));
    await pause(graceMs * (CUT_SHARE - CLOSE_SHARE), over.signal);
    await visitInSlices(this.registry.all(), (connection) => connection.cut('shutdown'));
    await pause(graceMs * (1 - CUT_SHARE), over.signal);
    // What was cut a moment ago has its end in this turn; with a `graceMs` of 0 that is everything.
    if (!over.signal.aborted) await nextTurn();
    clearTimeout(naming);
    if (!this.#isIdle) this.#name('gives up');
    over.abort();
    await closing;
    this.registry.moveTo('closed');
  }

  /** The application hears of the stop before any connection does. */
  #sayGoodbye(limitMs: number): Promise<unknown> | undefined {
    const said = this.registry.announceDrain();
    if (said === undefined) return undefined;
    const over = new AbortController();
    const late = pause(limitMs, over.signal).then(() => {
      if (!over.signal.aborted)
        log.warn('shutdown', 'A drain handler of the registry has not settled; the shutdown goes on.');
    });
    return Promise.race([said, late]).finally(() => over.abort());
  }

  get #isIdle(): boolean {
    return this.#unfinished.size === 0 && this.#lateHandlers.size === 0;
  }

  #checkIdle(): void {
    if (this.#isIdle) this.#onIdle?.();
  }

  #name(does: string): void {
    // What is closed and not finished is in its finish handlers.
    const finishing = new Map(this.#unfinished);
    const doing = new Map<string, number>();
    for (const { endpoint, state, work } of this.registry.all()) {
      if (state === 'closed') continue;
      add(finishing, endpoint, -1);
      const what = work === undefined ? IDLE[state] : ` in ${work}`;
      add(doing, `${endpoint.name}${what}`, 1);
    }
    for (const [{ name }, count] of finishing) add(doing, `${name} in @OnFinish`, count);
    const rest = [...doing].map(([name, count]) => `${count} of ${name}`);
    const connections = rest.length === 0 ? [] : [`connections (${rest.join(', ')})`];
    const late = [...this.#lateHandlers].map(([name, count]) => `${count} in ${name}`);
    const handlers = late.length === 0 ? [] : [`handlers of connections that are over (${late.join(', ')})`];
    log.warn(
      'shutdown',
      `The shutdown ${does} ${[...connections, ...handlers].join(' and ')}. ` +
        'shutdown.graceMs bounds it; a short one is for development.',
    );
  }

  async #closeAll(signal: AbortSignal): Promise<void> {
    const { batch, intervalMs } = this.options;
    const all = this.registry.all();
    for (let first = 0; first < all.length && !signal.aborted; first += batch) {
      if (first > 0) await pause(intervalMs * (0.5 + Math.random()), signal);
      await visitInSlices(all.slice(first, first + batch), (connection) => connection.drain());
    }
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  const sum = (counts.get(key) ?? 0) + count;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}

/** Waits; an abort ends it early. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => undefined);
}
