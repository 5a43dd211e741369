import type { Type } from '@nestjs/common';
import type { ServedConnection } from '../connection/served-connection.js';
import { Ring, tickOf, type Members, type Times } from './ring.js';

/** Work for one turn of the event loop, in milliseconds. What is visited may take longer than the rest of it. */
const MAX_TURN_MS = 8;

/** Turns over which the visits of one step are spread, and the shortest time between two of them. */
const MAX_TURNS = 50;
const MIN_PAUSE_MS = 20;

/** The part of a step in which the turns of its visits come: they are over before the next one begins. */
const BUSY_SHARE = 0.8;

/** Connections of one class, and the times that they are kept to. */
export interface Timed {
  readonly metatype: Type;
  readonly settings: Times;
}

/** The connections of this process. */
export interface Population extends Members {
  ofClass(endpoint: Type): ReadonlySet<ServedConnection>;
}

/**
 * The one timer of all connections. They are visited again and again, as often as the times of their endpoint need it; many
 * of them in slices that are spread over the time until the next visit, so that neither their pings nor the cut of many dead
 * ones hold the event loop.
 *
 * Time is counted in steps, not read from a clock: after a stalled event loop one step has passed, so a stall
 * cuts no connection.
 */
export class Ticker {
  readonly #stepMs: number;
  readonly #pauseMs: number;
  readonly #rings: readonly Ring[];
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Timeout | undefined;

  constructor(population: Population, endpoints: readonly Timed[]) {
    const groups = groupsOf(population, endpoints);
    this.#stepMs = Math.min(...groups.map(({ tickMs }) => tickMs));
    const turns = Math.max(1, Math.min(MAX_TURNS, Math.floor(this.#stepMs / MIN_PAUSE_MS)));
    this.#pauseMs = Math.floor((this.#stepMs / turns) * BUSY_SHARE);
    this.#rings = groups.map(
      ({ members, times, tickMs }) => new Ring(members, times, Math.floor(tickMs / this.#stepMs), turns, this.#stepMs),
    );
  }

  start(): void {
    if (this.#rings.length > 0) this.#timer ??= setInterval(() => this.#step(), this.#stepMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
  }

  #step(): void {
    for (const ring of this.#rings) ring.step();
    if (this.#turn === undefined) this.#goOn();
  }

  #goOn(): void {
    this.#turn = undefined;
    const untilMs = performance.now() + MAX_TURN_MS;
    let isOver = true;
    for (const ring of this.#rings) {
      ring.goOn(untilMs);
      isOver &&= ring.isOver;
    }
    if (!isOver && this.#timer !== undefined) this.#turn = setTimeout(() => this.#goOn(), this.#pauseMs).unref();
  }
}

interface Group {
  readonly members: Members;
  readonly times: Times;
  readonly tickMs: number;
}

/** Where all endpoints have the same times, their connections need no index by class. */
function groupsOf(population: Population, endpoints: readonly Timed[]): Group[] {
  const groups: Group[] = [];
  const isUniform = new Set(endpoints.map(({ settings }) => keyOf(settings))).size === 1;
  for (const { metatype, settings: times } of isUniform ? endpoints.slice(0, 1) : endpoints) {
    const tickMs = tickOf(times);
    if (tickMs === undefined) continue;
    groups.push({ members: isUniform ? population : new MembersOfClass(population, metatype), times, tickMs });
  }
  return groups;
}

function keyOf({ heartbeat, limits, closeTimeoutMs }: Times): string {
  const { idleTimeoutMs, maxLifetimeMs, firstMessageTimeoutMs, messageTimeoutMs, handlerTimeoutMs, lateHandlerMs } =
    limits;
  const times = [
    idleTimeoutMs,
    maxLifetimeMs,
    firstMessageTimeoutMs,
    messageTimeoutMs,
    handlerTimeoutMs,
    lateHandlerMs,
  ];
  return JSON.stringify([heartbeat, closeTimeoutMs, times]);
}

class MembersOfClass implements Members {
  constructor(
    private readonly population: Population,
    private readonly endpoint: Type,
  ) {}

  get size(): number {
    return this.population.ofClass(this.endpoint).size;
  }

  open(): Iterable<ServedConnection> {
    return this.population.ofClass(this.endpoint);
  }
}
