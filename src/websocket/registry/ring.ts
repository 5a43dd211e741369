import type { ServedConnection } from '../connection/served-connection.js';
import { tickOfLimits, toVisits, type TimeLimits, type VisitLimits } from '../connection/time-limits.js';
import type { HeartbeatOptions } from '../limits/heartbeat.options.js';
import { Round } from './round.js';

/** Ticks in the shortest time: how exact the times are kept. */
const TICKS_PER_PERIOD = 4;

/** The times that connections are kept to. */
export interface Times {
  readonly heartbeat: HeartbeatOptions | undefined;
  readonly limits: TimeLimits;
  readonly closeTimeoutMs: number;
}

/** Connections at a moment, and how many there are. */
export interface Members {
  readonly size: number;
  open(): Iterable<ServedConnection>;
}

/** Milliseconds between two visits that keep these times; `undefined` where none is to be kept. */
export function tickOf({ heartbeat, limits }: Times): number | undefined {
  const shortest = heartbeat === undefined ? undefined : Math.min(heartbeat.intervalMs, heartbeat.timeoutMs);
  const tickMs = Math.min((shortest ?? Number.POSITIVE_INFINITY) / TICKS_PER_PERIOD, tickOfLimits(limits));
  return tickMs === Number.POSITIVE_INFINITY ? undefined : Math.max(1, Math.floor(tickMs));
}

/**
 * Connections with the same times, which are visited once for each tick of theirs. What is to be kept is counted in visits.
 */
export class Ring {
  readonly #pingAfterTicks: number;
  readonly #cutAfterTicks: number;
  readonly #round = new Round<ServedConnection>((connection) => this.#visit(connection));
  readonly #limits: VisitLimits | undefined;
  #stepsLeft: number;

  /**
   * @param steps of the ticker for one tick of these connections.
   * @param turns over which the visits of one step are spread.
   */
  constructor(
    private readonly members: Members,
    { heartbeat, limits, closeTimeoutMs }: Times,
    private readonly steps: number,
    private readonly turns: number,
    stepMs: number,
  ) {
    const tickMs = steps * stepMs;
    this.#stepsLeft = steps;
    this.#limits = toVisits(limits, closeTimeoutMs, tickMs);
    const { intervalMs, timeoutMs } = heartbeat ?? { intervalMs: Number.POSITIVE_INFINITY, timeoutMs: 0 };
    // One tick less, because a connection may be silent for up to a tick before its first count.
    this.#pingAfterTicks = Math.max(1, Math.floor(intervalMs / tickMs) - 1);
    this.#cutAfterTicks = this.#pingAfterTicks + Math.max(1, Math.floor(timeoutMs / tickMs));
  }

  /** One step of the ticker: a round begins when its time has come. */
  step(): void {
    if (--this.#stepsLeft > 0) return;
    this.#stepsLeft = this.steps;
    // One that takes longer than its tick goes on: nothing is cut earlier than it may be.
    if (!this.#round.isOver) return;
    this.#round.begin(this.members.open(), Math.ceil(this.members.size / (this.turns * this.steps)));
  }

  get isOver(): boolean {
    return this.#round.isOver;
  }

  goOn(untilMs: number): void {
    this.#round.goOn(untilMs);
  }

  #visit(connection: ServedConnection): void {
    connection.checkLogin(Date.now());
    connection.countOutbox();
    const silentTicks = connection.countSilence();
    if (silentTicks === this.#pingAfterTicks) connection.probe();
    else if (silentTicks >= this.#cutAfterTicks) connection.cut('heartbeat');
    if (this.#limits !== undefined) connection.keepTimes(this.#limits);
  }
}
