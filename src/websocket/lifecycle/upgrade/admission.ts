import {
  clientOf,
  FREE_PLACE,
  retryAfter,
  tooMany,
  type ConnectionLimits,
  type Place,
} from '../../limits/connection-limits.js';
import type { ConnectionRegistry } from '../../registry/connection-registry.js';
import type { EventLoopDelay } from '../../limits/event-loop-delay.js';
import type { RequestContext } from '../../request/request-context.js';
import type { ConnectionPlaces } from '../../connection/connection-ports.js';
import { log } from '../../log/log.js';
import { isLocalNetwork } from '../../request/ip-address.js';
import type { HandshakeRate } from './handshake-rate.js';
import { PendingPlace } from './pending-place.js';
import { ConfigurationError, UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import type { PlaceHolder } from '../../limits/user-places.js';

/** What decides whether one more upgrade can be taken. */
export interface AdmissionRules {
  readonly registry: ConnectionRegistry;
  readonly maxPendingHandshakes: number;
  /** Of one address; `undefined` for the default. */
  readonly maxPendingHandshakesPerIp?: number | undefined;
  /** Absent where addresses may begin as many as they like. */
  readonly handshakeRate?: HandshakeRate | undefined;
  /** Counts all connections of the module. */
  readonly limits: ConnectionLimits;
  readonly eventLoopDelay: EventLoopDelay | undefined;
  /** Delay past which upgrades are refused, in milliseconds. */
  readonly maxEventLoopDelayMs: number;
}

/** The part of all places that one address may have while half of them are taken. */
const DEFAULT_SHARE = 1 / 10;

/** Lets upgrades in: each one takes its places, and gives them back exactly once, also when it fails. */
export class Admission {
  #pending = 0;
  readonly #pendingOf = new Map<string, number>();

  constructor(private readonly rules: AdmissionRules) {}

  /** Handshakes for which code of the application runs. */
  get pending(): number {
    return this.#pending;
  }

  /** @throws UpgradeRefusedError `not accepting` while the application starts or stops. */
  checkState(): void {
    if (this.rules.registry.state !== 'accepting') {
      throw new UpgradeRefusedError('not accepting', 'not accepting', { headers: retryAfter() });
    }
  }

  /** @throws UpgradeRefusedError when the server is under strain or full, or the address asks too often. */
  enter(context: RequestContext, endpointLimits: ConnectionLimits | undefined): Places {
    const { eventLoopDelay, maxEventLoopDelayMs, limits } = this.rules;
    if (eventLoopDelay !== undefined && eventLoopDelay.currentMs > maxEventLoopDelayMs) {
      throw new UpgradeRefusedError('not accepting', 'not accepting: the server is busy', { headers: retryAfter() });
    }
    this.rules.handshakeRate?.check(context);
    this.#checkPending(context);
    const place = limits.take(context);
    if (place === FREE_PLACE && endpointLimits === undefined) return NO_PLACES;
    try {
      return new Places(place, endpointLimits?.take(context));
    } catch (error) {
      place.release();
      throw error;
    }
  }

  /** A handshake takes time: code of the application runs for it. */
  wait(context: RequestContext): PendingPlace {
    const client = knownClientOf(context);
    this.#pending++;
    if (client !== undefined) this.#pendingOf.set(client, (this.#pendingOf.get(client) ?? 0) + 1);
    const release = (): void => {
      this.#pending--;
      if (client === undefined) return;
      const others = (this.#pendingOf.get(client) ?? 0) - 1;
      if (others > 0) this.#pendingOf.set(client, others);
      else this.#pendingOf.delete(client);
    };
    return new PendingPlace(release, () => {
      // An application that is over says nothing any more.
      if (this.rules.registry.state !== 'closed') logLate(context);
    });
  }

  /** As `wait`, for an upgrade that was refused before it had a place; `undefined` where none is left. */
  waitIfFree(context: RequestContext): PendingPlace | undefined {
    try {
      this.#checkPending(context);
      return this.wait(context);
    } catch {
      return undefined;
    }
  }

  /** @throws UpgradeRefusedError 503 when all places are taken, 429 when the address has its share of them. */
  #checkPending(context: RequestContext): void {
    const { maxPendingHandshakes, maxPendingHandshakesPerIp } = this.rules;
    if (this.#pending >= maxPendingHandshakes) {
      throw new UpgradeRefusedError('too many connections', 'too many connections', { headers: retryAfter() });
    }
    if (this.#pending === 0) return;
    if (maxPendingHandshakesPerIp === undefined) {
      if (this.#pending < maxPendingHandshakes / 2 || isLocalNetwork(context.ip)) return;
    }
    const client = clientOf(context);
    const pending = client === undefined ? 0 : (this.#pendingOf.get(client) ?? 0);
    if (pending < (maxPendingHandshakesPerIp ?? Math.ceil(maxPendingHandshakes * DEFAULT_SHARE))) return;
    throw new UpgradeRefusedError('too many connections', 'too many connections', {
      status: 429,
      headers: retryAfter(),
    });
  }
}

/** The places of one upgrade: among all connections and, where it has limits of its own, among those of its endpoint. */
export class Places implements ConnectionPlaces {
  constructor(
    private readonly place: Place,
    private readonly endpointPlace: Place | undefined,
  ) {}

  /** The user is known now. @throws UpgradeRefusedError 429, or 500 for a user that cannot be told from others. */
  identify(context: RequestContext): void {
    let isFree: boolean;
    try {
      isFree = this.changeUser(context);
    } catch (error) {
      // What `userId` throws refuses as a throw of the hook does.
      if (!(error instanceof ConfigurationError)) throw error;
      throw new UpgradeRefusedError('internal error', 'internal error', { cause: error });
    }
    if (!isFree) throw tooMany();
  }

  changeUser(context: RequestContext): boolean {
    if (!this.place.identify(context)) return false;
    if (this.endpointPlace === undefined || this.endpointPlace.identify(context)) return true;
    this.place.leaveUser();
    return false;
  }

  occupy(holder: PlaceHolder): void {
    this.place.occupy(holder);
    this.endpointPlace?.occupy(holder);
  }

  leaveUser(): void {
    this.place.leaveUser();
    this.endpointPlace?.leaveUser();
  }

  release(): void {
    this.place.release();
    this.endpointPlace?.release();
  }
}

/** Where nothing is counted, all upgrades have the same place. */
export const NO_PLACES = new Places(FREE_PLACE, undefined);

/** A `trustProxy` function that fails has its say where the address is asked for. */
function knownClientOf(context: RequestContext): string | undefined {
  try {
    return clientOf(context);
  } catch {
    return undefined;
  }
}

function logLate(context: RequestContext): void {
  const text =
    `Code of the application (hook, guard, filter or onError) still runs for a handshake of ${context.path} that is over. ` +
    'Its place is given to others now. Have it stop when context.signal aborts.';
  log.error('late handshake', text, undefined, { context });
}
