import type { Connection } from './connection.js';

/** When silence is asked about, and when it is taken for death. */
export class HeartbeatOptions {
  /** Silence after which a ping is sent, in milliseconds. Default 25 000, below the 60 s of common proxies. */
  intervalMs = 25_000;
  /** Further silence after which the connection is cut, in milliseconds. Default 10 000. */
  timeoutMs = 10_000;
}

/** What the heartbeat remembers of one connection. */
class Pulse {
  bytesRead = 0;
  silentTicks = 0;
  paused = false;
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
  readonly #pulses = new Map<Connection, Pulse>();
  readonly #tickMs: number;
  readonly #pingAfterTicks: number;
  readonly #cutAfterTicks: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeartbeatOptions) {
    this.#tickMs = Math.max(1, Math.floor(Math.min(options.intervalMs, options.timeoutMs) / TICKS_PER_PERIOD));
    // One tick less each, because a connection may be silent for up to a tick before its first count.
    this.#pingAfterTicks = Math.max(1, Math.floor(options.intervalMs / this.#tickMs) - 1);
    this.#cutAfterTicks = this.#pingAfterTicks + Math.max(1, Math.floor(options.timeoutMs / this.#tickMs));
  }

  add(connection: Connection): void {
    this.#pulses.set(connection, new Pulse());
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#tick(), this.#tickMs);
      this.#timer.unref();
    }
  }

  remove(connection: Connection): void {
    this.#pulses.delete(connection);
    if (this.#pulses.size === 0) this.stop();
  }

  /** Reading was stopped or taken up again; a paused connection is never taken for dead. */
  setPaused(connection: Connection, paused: boolean): void {
    const pulse = this.#pulses.get(connection);
    if (pulse === undefined) return;
    pulse.paused = paused;
    pulse.silentTicks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    for (const [connection, pulse] of this.#pulses) {
      const { bytesRead } = connection.transport;
      if (pulse.paused || bytesRead !== pulse.bytesRead) {
        pulse.bytesRead = bytesRead;
        pulse.silentTicks = 0;
        continue;
      }
      pulse.silentTicks++;
      if (pulse.silentTicks === this.#pingAfterTicks) connection.ping();
      else if (pulse.silentTicks >= this.#cutAfterTicks) connection.terminateAs('heartbeat');
    }
  }
}
