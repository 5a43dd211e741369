import { setImmediate } from 'node:timers';
import type { Unregister } from '../connection/handler-list.js';
import type { Channels } from './channels.js';
import { tellOne } from './event-handlers.js';

/** What the registry tells of a channel. */
export interface ChannelEvent {
  /** Its name. */
  readonly channel: string;
}

/** Told of the first and the last member of each channel. */
export type ChannelHandler = (event: ChannelEvent) => unknown;

/** How the registry tells of channels. */
export interface ChannelEventOptions {
  /**
   * Time without a member after which a channel is vacated, in milliseconds; 0 is the end of the turn. Default 1 000: a page
   * that is loaded again comes back within it, and then neither event is raised.
   */
  readonly graceMs?: number;
}

const DEFAULT_GRACE_MS = 1_000;

/** Timers of Node end at once when they are set to more. */
const MAX_TIMER_MS = 2_147_483_647;

/** Taken once: a test with fake timers must not keep the events of later ones. */
const afterThisTurn = setImmediate;

/** One handler that was added; the same function added twice is two. */
interface Listener {
  readonly event: 'occupied' | 'vacated';
  readonly handler: ChannelHandler;
  /** It was added in this turn, so it has been told nothing yet. */
  isNew: boolean;
}

/**
 * Tells listeners which channels have got their first member, and which have lost their last: after the turn of the event
 * loop in which it happened, and all of them of the same state.
 */
export class ChannelEvents {
  /** Those who wait equally long share what they know, so that `occupied` and `vacated` take turns. */
  readonly #byGrace = new Map<number, Occupancy>();
  /** Those that may have changed in this turn. */
  #changed = new Set<string>();
  #isScheduled = false;

  constructor(private readonly channels: Channels<unknown>) {}

  /** @throws RangeError for a grace time that a timer cannot wait for. */
  on(event: 'occupied' | 'vacated', handler: ChannelHandler, options: ChannelEventOptions = {}): Unregister {
    const { graceMs = DEFAULT_GRACE_MS } = options;
    if (!Number.isInteger(graceMs) || graceMs < 0 || graceMs > MAX_TIMER_MS) {
      throw new RangeError(`graceMs is a whole number of milliseconds from 0 to ${MAX_TIMER_MS}.`);
    }
    const known = this.#byGrace.get(graceMs);
    const occupancy = known ?? new Occupancy(graceMs, (channel) => this.#hasMembers(channel));
    if (known === undefined) this.#byGrace.set(graceMs, occupancy);
    const listener: Listener = { event, handler, isNew: true };
    occupancy.listeners.add(listener);
    this.#schedule();
    return () => {
      occupancy.listeners.delete(listener);
      if (occupancy.listeners.size > 0 || this.#byGrace.get(graceMs) !== occupancy) return;
      occupancy.stop();
      this.#byGrace.delete(graceMs);
    };
  }

  /** A channel has got its first member, or has lost its last one. */
  change(channel: string): void {
    if (this.#byGrace.size === 0) return;
    this.#changed.add(channel);
    this.#schedule();
  }

  /** The application has stopped: nothing more is told. */
  stop(): void {
    for (const occupancy of this.#byGrace.values()) occupancy.stop();
    this.#byGrace.clear();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    afterThisTurn(() => this.#settle());
  }

  #settle(): void {
    this.#isScheduled = false;
    const changes = [...this.#changed].map((channel) => ({ channel, isOccupied: this.#hasMembers(channel) }));
    this.#changed = new Set();
    const occupied = [...this.channels.names()];
    for (const occupancy of [...this.#byGrace.values()]) occupancy.settle(changes, occupied);
  }

  #hasMembers(channel: string): boolean {
    return this.channels.members(channel) !== undefined;
  }
}

interface Change {
  readonly channel: string;
  readonly isOccupied: boolean;
}

/** Which channels count as occupied for those who wait equally long. */
class Occupancy {
  readonly listeners = new Set<Listener>();
  #occupied: Set<string> | undefined;
  /** Those without a member that still count as occupied, each with the group that it is to leave with. */
  readonly #leaving = new Map<string, readonly string[]>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly graceMs: number,
    private readonly hasMembers: (channel: string) => boolean,
  ) {}

  settle(changes: readonly Change[], occupied: readonly string[]): void {
    const known = (this.#occupied ??= new Set(occupied));
    const left: string[] = [];
    for (const { channel, isOccupied } of changes) {
      if (isOccupied) this.#occupy(channel, known);
      else if (known.has(channel)) left.push(channel);
    }
    if (left.length > 0) this.#wait(left, known);
    for (const listener of [...this.listeners]) if (listener.isNew) this.#welcome(listener, [...known]);
  }

  stop(): void {
    this.listeners.clear();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Tells a new listener of the channels that were occupied before it came. */
  #welcome(listener: Listener, known: readonly string[]): void {
    listener.isNew = false;
    if (listener.event === 'vacated') return;
    for (const channel of known) if (this.listeners.has(listener)) void tellOne(listener.handler, call(channel));
  }

  #occupy(channel: string, known: Set<string>): void {
    this.#leaving.delete(channel);
    if (known.has(channel)) return;
    known.add(channel);
    this.#tell('occupied', channel);
  }

  #wait(left: readonly string[], known: Set<string>): void {
    for (const channel of left) this.#leaving.set(channel, left);
    if (this.graceMs === 0) {
      for (const channel of left) this.#vacate(channel, known);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const channel of left) {
        // A member may have come back, and may have left again.
        if (this.#leaving.get(channel) === left && !this.hasMembers(channel)) this.#vacate(channel, known);
      }
    }, this.graceMs).unref();
    this.#timers.add(timer);
  }

  #vacate(channel: string, known: Set<string>): void {
    this.#leaving.delete(channel);
    known.delete(channel);
    this.#tell('vacated', channel);
  }

  #tell(event: Listener['event'], channel: string): void {
    for (const listener of [...this.listeners]) {
      if (listener.event !== event || listener.isNew || !this.listeners.has(listener)) continue;
      void tellOne(listener.handler, call(channel));
    }
  }
}

function call(channel: string): (handler: ChannelHandler) => unknown {
  return (handler) => handler({ channel });
}
