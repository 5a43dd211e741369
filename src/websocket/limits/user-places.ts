import { UserConnectionsOptions } from './user-connections.options.js';

/** What a connection that holds a place can be asked for. */
export interface PlaceHolder {
  /** Closes it with this code: a newer connection takes its place. */
  giveWay(code: number): void;
}

/** One connection among those of its user. */
export interface UserPlace {
  /** `undefined` while its handshake is being concluded. */
  readonly holder: PlaceHolder | undefined;
}

/** Counts the connections of each user against a limit. */
export class UserPlaces {
  readonly #options: UserConnectionsOptions;
  /** The places of each user, the one that was taken first at the head. */
  readonly #byUser = new Map<string, Set<UserPlace>>();

  constructor(limit: number | Partial<UserConnectionsOptions>) {
    const given = typeof limit === 'number' ? { max: limit } : limit;
    const { max, exceeded, code } = new UserConnectionsOptions();
    this.#options = { max: given.max ?? max, exceeded: given.exceeded ?? exceeded, code: given.code ?? code };
  }

  /** Takes a place; `false` when the user has too many, and newer ones do not replace older ones. */
  take(user: string, place: UserPlace): boolean {
    const places = this.#byUser.get(user);
    if (places === undefined) {
      this.#byUser.set(user, new Set([place]));
      return true;
    }
    const { max, exceeded } = this.#options;
    if (exceeded === 'refuse' && places.size >= max) return false;
    places.add(place);
    return true;
  }

  /** The connection of a place is there: it is the newest one, and the oldest beyond the limit give way. */
  settle(user: string, place: UserPlace): void {
    const { max, exceeded, code } = this.#options;
    const places = this.#byUser.get(user);
    if (places === undefined || exceeded === 'refuse') return;
    places.delete(place);
    places.add(place);
    for (const older of [...places]) {
      // One that gives way leaves its place at once.
      if (places.size <= max) return;
      if (older !== place) older.holder?.giveWay(code);
    }
  }

  release(user: string, place: UserPlace): void {
    const places = this.#byUser.get(user);
    if (places?.delete(place) === true && places.size === 0) this.#byUser.delete(user);
  }
}
