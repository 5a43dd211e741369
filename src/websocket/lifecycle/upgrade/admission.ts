import { FREE_PLACE, retryAfter, type ConnectionLimits, type Place } from '../../connection/connection-limits.js';
import type { ConnectionRegistry } from '../../connection/connection-registry.js';
import type { EventLoopDelay } from '../../connection/event-loop-delay.js';
import type { RequestContext } from '../../connection/request-context.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';

/** What decides whether one more upgrade can be taken. */
export interface AdmissionRules {
  readonly registry: ConnectionRegistry;
  readonly maxPendingHandshakes: number;
  /** Counts all connections of the module. */
  readonly limits: ConnectionLimits;
  readonly eventLoopDelay: EventLoopDelay | undefined;
  /** Delay past which nobody comes in, in milliseconds. */
  readonly maxEventLoopDelayMs: number;
}

/** The door: who comes in takes places, and gives them back whatever happens to the upgrade. */
export class Admission {
  #pending = 0;

  constructor(private readonly rules: AdmissionRules) {}

  /** Handshakes that are not decided yet. */
  get pending(): number {
    return this.#pending;
  }

  /** @throws UpgradeRefusedError `not accepting` while the application starts or stops. */
  checkState(): void {
    if (this.rules.registry.state !== 'accepting') {
      throw new UpgradeRefusedError('not accepting', 'not accepting', { headers: retryAfter() });
    }
  }

  /** @throws UpgradeRefusedError when the server is under strain or full. */
  enter(context: RequestContext, endpointLimits: ConnectionLimits | undefined): Entry {
    const { eventLoopDelay, maxEventLoopDelayMs, maxPendingHandshakes, limits } = this.rules;
    if (eventLoopDelay !== undefined && eventLoopDelay.currentMs > maxEventLoopDelayMs) {
      throw new UpgradeRefusedError('not accepting', 'not accepting: the server is busy', { headers: retryAfter() });
    }
    if (this.#pending >= maxPendingHandshakes) {
      throw new UpgradeRefusedError('too many connections', 'too many connections', { headers: retryAfter() });
    }
    const place = limits.take(context);
    if (place === FREE_PLACE && endpointLimits === undefined) return FREE_ENTRY;
    try {
      return new Entry(place, endpointLimits?.take(context));
    } catch (error) {
      place.release();
      throw error;
    }
  }

  /** A handshake takes time; call the result once when it is decided. */
  wait(): () => void {
    this.#pending++;
    return () => void this.#pending--;
  }
}

/** The places of one upgrade: among all connections and, where it has limits of its own, among those of its endpoint. */
export class Entry {
  constructor(
    private readonly place: Place,
    private readonly endpointPlace: Place | undefined,
  ) {}

  /** The user is known now. @throws UpgradeRefusedError 429 */
  identify(context: RequestContext): void {
    this.place.identify(context);
    this.endpointPlace?.identify(context);
  }

  release(): void {
    this.place.release();
    this.endpointPlace?.release();
  }
}

/** Where nothing is counted, everybody has the same place. */
const FREE_ENTRY = new Entry(FREE_PLACE, undefined);
