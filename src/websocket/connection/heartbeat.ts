import type { Connection } from './connection.js';

/**
 * When silence is asked about, and when it is taken for death. Any byte counts as a sign of life. Both times are exact to
 * about a quarter of the shorter one.
 */
export class HeartbeatOptions {
  /** Silence after which a ping is sent, in milliseconds. Default 25 000, below the 60 s of common proxies. */
  intervalMs = 25_000;
  /** Further silence after which the connection is cut, in milliseconds. Default 10 000. */
  timeoutMs = 10_000;
}

/** Ticks in the shorter of interval and timeout: how exact the two are kept. */
const TICKS_PER_PERIOD = 4;

/**
 * One timer for all connections. Any byte from the peer counts as a sign of life; a connection that we paused is not
 * asked, because it could not answer.
 *
 * Time is counted in ticks, not read from a clock: after a stalled event loop one tick has passed, so a stall kills
 * nobody.
 */
export class Heartbeat {
  readonly #tickMs: number;
  readonly #pingAfterTicks: number;
  readonly #cutAfterTicks: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param connections those that are open whenever it is iterated. */
  constructor(
    private readonly connections: () => Iterable<Connection>,
    options: HeartbeatOptions,
  ) {
    this.#tickMs = Math.max(1, Math.floor(Math.min(options.intervalMs, options.timeoutMs) / TICKS_PER_PERIOD));
    // One tick less, because a connection may be silent for up to a tick before its first count.
    this.#pingAfterTicks = Math.max(1, Math.floor(options.intervalMs / this.#tickMs) - 1);
    this.#cutAfterTicks = this.#pingAfterTicks + Math.max(1, Math.floor(options.timeoutMs / this.#tickMs));
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    for (const connection of this.connections()) {
      const silentTicks = connection.countSilence();
      if (silentTicks === this.#pingAfterTicks) connection.ping();
      else if (silentTicks >= this.#cutAfterTicks) connection.terminateAs('heartbeat');
    }
  }
}
