import type { Type } from '@nestjs/common';
import { EVERYBODY } from '../connection/channel-name.js';
import { isConnectionId } from '../connection/connection-id.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { Channels } from './channels.js';
import type { AudienceBase } from './selected-audience.js';
import { Users } from './users.js';

const NOBODY: readonly ServedConnection[] = [];
const EMPTY: ReadonlySet<ServedConnection> = new Set();

/** The connections of this process that do not close yet, and the ways to find them: by id, class, channel and user. */
export class Members {
  readonly channels = new Channels<ServedConnection>();
  readonly users = new Users(() => this.#byId.values());
  readonly #byId = new Map<string, ServedConnection>();
  /** Made when the connections of an endpoint are first asked for; many applications never do. */
  #byEndpoint: Channels<ServedConnection, Type> | undefined;
  /** The classes that serve in the place of others, by those. */
  replaced: ReadonlyMap<Type, Type> = new Map();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): ServedConnection | undefined {
    return this.#byId.get(id);
  }

  /** In the order they were established; not a snapshot. */
  all(): IterableIterator<ServedConnection> {
    return this.#byId.values();
  }

  add(connection: ServedConnection): void {
    this.#byId.set(connection.id, connection);
    this.#byEndpoint?.add(connection.endpoint, connection);
    this.users.add(connection);
  }

  remove(connection: ServedConnection): void {
    this.#byId.delete(connection.id);
    this.#byEndpoint?.remove(connection.endpoint, connection);
    this.users.remove(connection);
  }

  /** The members of channels, each once; an id is that connection alone, also when it is gone: no channel can have its name. */
  inChannels(names: readonly string[]): AudienceBase {
    if (names.includes(EVERYBODY))
      return this.#base(
        () => this.#byId.size,
        () => this.all(),
        () => true,
      );
    const [only] = names;
    if (names.length === 1 && only !== undefined) return { members: () => this.#named(only) };
    return { members: () => this.#union(names) };
  }

  /** The connections of exactly this class, or of the one that replaces it. */
  ofEndpoint(endpoint: Type): AudienceBase {
    const served = (): Type => this.replaced.get(endpoint) ?? endpoint;
    const siblings = (): ReadonlySet<ServedConnection> | undefined => this.#endpoints.members(served());
    return this.#base(
      () => siblings()?.size ?? 0,
      () => siblings() ?? NOBODY,
      (connection) => connection.endpoint === served(),
    );
  }

  /** Not a snapshot. */
  ofClass(endpoint: Type): ReadonlySet<ServedConnection> {
    return this.#endpoints.members(endpoint) ?? EMPTY;
  }

  ofUser(id: string): AudienceBase {
    return { members: () => [...(this.users.members(id) ?? NOBODY)].toSorted(byAge) };
  }

  get #endpoints(): Channels<ServedConnection, Type> {
    if (this.#byEndpoint === undefined) {
      this.#byEndpoint = new Channels();
      for (const connection of this.all()) this.#byEndpoint.add(connection.endpoint, connection);
    }
    return this.#byEndpoint;
  }

  #base(
    size: () => number,
    members: () => Iterable<ServedConnection>,
    includes: (connection: ServedConnection) => boolean,
  ): AudienceBase {
    return {
      members,
      narrowed: (names) => {
        if (names.has(EVERYBODY)) return undefined;
        let most = 0;
        for (const name of names) most += this.channels.members(name)?.size ?? 1;
        return most >= size() ? undefined : [...this.#union(names)].filter(includes).sort(byAge);
      },
    };
  }

  #named(name: string): Iterable<ServedConnection> {
    const connection = this.#byId.get(name);
    if (connection !== undefined) return [connection];
    return isConnectionId(name) ? NOBODY : (this.channels.members(name) ?? NOBODY);
  }

  *#union(names: Iterable<string>): Iterable<ServedConnection> {
    const seen = new Set<ServedConnection>();
    for (const name of names) {
      for (const connection of this.#named(name)) {
        if (seen.has(connection)) continue;
        seen.add(connection);
        yield connection;
      }
    }
  }
}

/** In the order they were established. */
function byAge(one: ServedConnection, other: ServedConnection): number {
  return one.ordinal - other.ordinal;
}
