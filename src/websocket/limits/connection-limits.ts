import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';
import type { LimitsOptions } from './limits.options.js';
import { clientBlock } from '../request/ip-address.js';
import type { RequestContext } from '../request/request-context.js';
import { userIdOf, type UserId } from './user-id.js';
import { UserPlaces, type PlaceHolder, type UserPlace } from './user-places.js';

/** The limits that count connections. */
export type CountLimits = Pick<LimitsOptions, 'maxConnections' | 'maxConnectionsPerIp' | 'maxConnectionsPerUser'>;

/** One connection's place among the others; given back once. */
export interface Place {
  /**
   * The user is known now, or is another one. `false` when that user has too many connections; then nothing has changed.
   * @throws ConfigurationError for a user that cannot be told from others.
   */
  identify(context: RequestContext): boolean;
  /** The connection is there: from now on it can give way to a newer one, and older ones of its user give way to it. */
  occupy(holder: PlaceHolder): void;
  /** The user's connection closes, or has no user any more: another one of the same user may come. */
  leaveUser(): void;
  release(): void;
}

/** The place of every connection where nothing is counted. */
export const FREE_PLACE: Place = {
  identify: () => true,
  occupy: () => undefined,
  leaveUser: () => undefined,
  release: () => undefined,
};

/**
 * Counts connections against limits: all of them, per address and per user. A place is taken when the upgrade arrives
 * and given back exactly once: when the handshake fails, or when the connection is over.
 */
export class ConnectionLimits {
  #total = 0;
  readonly #byIp = new Map<string, number>();
  readonly #users: UserPlaces | undefined;

  constructor(
    private readonly limits: CountLimits,
    private readonly userId: UserId | undefined,
  ) {
    const { maxConnectionsPerUser } = limits;
    if (maxConnectionsPerUser !== undefined) this.#users = new UserPlaces(maxConnectionsPerUser);
  }

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
    const client = maxConnectionsPerIp === undefined ? undefined : clientOf(context);
    if (client !== undefined && maxConnectionsPerIp !== undefined) count(this.#byIp, client, maxConnectionsPerIp);
    this.#total++;
    return this.#place(client);
  }

  #place(client: string | undefined): Place {
    const users = this.#users;
    return new CountedPlace(
      users,
      (context) => userIdOf(context, this.userId, 'limits.maxConnectionsPerUser'),
      () => {
        this.#total--;
        if (client !== undefined) discount(this.#byIp, client);
      },
    );
  }
}

/** A place where something is counted. */
class CountedPlace implements Place, UserPlace {
  #user: string | undefined;
  #holder: PlaceHolder | undefined;
  #isReleased = false;

  constructor(
    private readonly users: UserPlaces | undefined,
    private readonly idOf: (context: RequestContext) => string | undefined,
    private readonly giveBack: () => void,
  ) {}

  get holder(): PlaceHolder | undefined {
    return this.#holder;
  }

  identify(context: RequestContext): boolean {
    if (this.users === undefined || this.#isReleased) return true;
    const user = this.idOf(context);
    if (user === this.#user) return true;
    if (user !== undefined && !this.users.take(user, this)) return false;
    this.leaveUser();
    this.#user = user;
    this.#settle();
    return true;
  }

  occupy(holder: PlaceHolder): void {
    this.#holder = holder;
    this.#settle();
  }

  leaveUser(): void {
    if (this.#user !== undefined) this.users?.release(this.#user, this);
    this.#user = undefined;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.giveBack();
    this.leaveUser();
  }

  #settle(): void {
    if (this.#holder !== undefined && this.#user !== undefined) this.users?.settle(this.#user, this);
  }
}

/** The address to count by. Without a known one, connections are not counted as one client. */
export function clientOf({ ip }: RequestContext): string | undefined {
  return ip === '' ? undefined : clientBlock(ip);
}

/** Seconds after which to come back, spread so that the clients do not all come at once. */
export function retryAfter(): { 'Retry-After': string } {
  return { 'Retry-After': String(2 + Math.floor(Math.random() * 8)) };
}

function count(counts: Map<string, number>, key: string, max: number): void {
  const known = counts.get(key) ?? 0;
  if (known >= max) throw tooMany();
  counts.set(key, known + 1);
}

/** The refusal of one more connection of an address or of a user. */
export function tooMany(): UpgradeRefusedError {
  return new UpgradeRefusedError('too many connections', 'too many connections', {
    status: 429,
    headers: retryAfter(),
  });
}

function discount(counts: Map<string, number>, key: string): void {
  const known = counts.get(key) ?? 0;
  if (known <= 1) counts.delete(key);
  else counts.set(key, known - 1);
}
