import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';
import type { LimitsOptions } from './limits.options.js';
import type { RequestContext } from './request-context.js';

/** The limits that count connections. */
export type CountLimits = Pick<LimitsOptions, 'maxConnections' | 'maxConnectionsPerIp' | 'maxConnectionsPerUser'>;

/** Tells users apart; `undefined` for somebody who is not counted. */
export type UserId = (context: RequestContext) => string | undefined;

/** One connection's place among the others; given back once. */
export interface Place {
  /** The user is known now. @throws UpgradeRefusedError 429 when the user has too many connections. */
  identify(context: RequestContext): void;
  release(): void;
}

/** The place of everybody where nothing is counted. */
export const FREE_PLACE: Place = { identify: () => undefined, release: () => undefined };

/**
 * Counts connections against limits: all of them, per address and per user. A place is taken when the upgrade arrives
 * and given back when the handshake fails or the connection is over, whatever happens in between.
 */
export class ConnectionLimits {
  #total = 0;
  readonly #byIp = new Map<string, number>();
  readonly #byUser = new Map<string, number>();

  constructor(
    private readonly limits: CountLimits,
    private readonly userId: UserId,
  ) {}

  /** Places taken right now; stays 0 where nothing is limited. */
  get total(): number {
    return this.#total;
  }

  /** @throws UpgradeRefusedError 503 when the server is full, 429 when the address has too many. */
  take(context: RequestContext): Place {
    const { maxConnections, maxConnectionsPerIp, maxConnectionsPerUser } = this.limits;
    if ((maxConnections ?? maxConnectionsPerIp ?? maxConnectionsPerUser) === undefined) return FREE_PLACE;
    if (maxConnections !== undefined && this.#total >= maxConnections) {
      throw new UpgradeRefusedError('too many connections', 'too many connections', { headers: retryAfter() });
    }
    // The address is only looked up where it counts.
    const ip = maxConnectionsPerIp === undefined ? undefined : context.ip;
    if (ip !== undefined && maxConnectionsPerIp !== undefined) count(this.#byIp, ip, maxConnectionsPerIp);
    this.#total++;
    return this.#place(ip);
  }

  #place(ip: string | undefined): Place {
    const { maxConnectionsPerUser } = this.limits;
    let user: string | undefined;
    let released = false;
    return {
      identify: (context) => {
        const known = maxConnectionsPerUser === undefined || released ? undefined : this.userId(context);
        if (known === undefined || maxConnectionsPerUser === undefined) return;
        count(this.#byUser, known, maxConnectionsPerUser);
        user = known;
      },
      release: () => {
        if (released) return;
        released = true;
        this.#total--;
        if (ip !== undefined) discount(this.#byIp, ip);
        if (user !== undefined) discount(this.#byUser, user);
      },
    };
  }
}

/** `user.id`, `user.sub`, or the user itself when it is a string or a number. */
export function defaultUserId({ user }: RequestContext): string | undefined {
  if (typeof user === 'string' || typeof user === 'number') return String(user);
  if (typeof user !== 'object' || user === null) return undefined;
  const { id, sub } = user as { id?: unknown; sub?: unknown };
  const known = id ?? sub;
  return typeof known === 'string' || typeof known === 'number' ? String(known) : undefined;
}

/** Seconds after which to come back, spread so that not everybody does at once. */
export function retryAfter(): { 'Retry-After': string } {
  return { 'Retry-After': String(2 + Math.floor(Math.random() * 8)) };
}

function count(counts: Map<string, number>, key: string, max: number): void {
  const known = counts.get(key) ?? 0;
  if (known >= max) {
    throw new UpgradeRefusedError('too many connections', 'too many connections', {
      status: 429,
      headers: retryAfter(),
    });
  }
  counts.set(key, known + 1);
}

function discount(counts: Map<string, number>, key: string): void {
  const known = counts.get(key) ?? 0;
  if (known <= 1) counts.delete(key);
  else counts.set(key, known - 1);
}
