import type { Type } from '@nestjs/common';
import { EVERYBODY } from '../connection/channel-name.js';
import type { BaseAddress, EndpointKey } from '../backplane/audience-address.js';
import { isConnectionId } from '../backplane/node-id.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { Channels } from './channels.js';
import type { AudienceBase } from './selected-audience.js';
import { Users } from './users.js';

/** Told of the first and the last member of each channel, user and endpoint. */
export interface MembersWatch {
  channel(name: string, isThere: boolean): void;
  user(id: string, isThere: boolean): void;
  endpoint(type: Type, isThere: boolean): void;
}

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
  /** What endpoints are called on every node. */
  endpointKeys: ReadonlyMap<Type, EndpointKey> = new Map();

  #watch: MembersWatch | undefined;

  /** Tells of who is there from now on. Called before there is any connection. */
  watch(watch: MembersWatch): void {
    this.#watch = watch;
    this.users.watch((id, isThere) => watch.user(id, isThere));
    this.#byEndpoint ??= new Channels();
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): ServedConnection | undefined {
    return this.#byId.get(id);
  }

  /** Tells whether it is the first member of the channel. */
  join(channel: string, connection: ServedConnection): boolean {
    this.users.checkChannel(channel, connection);
    const isFirst = this.channels.add(channel, connection);
    if (isFirst) this.#watch?.channel(channel, true);
    return isFirst;
  }

  /** Tells whether it was the last member of the channel. */
  leave(channel: string, connection: ServedConnection): boolean {
    const wasLast = this.channels.remove(channel, connection);
    if (wasLast) this.#watch?.channel(channel, false);
    return wasLast;
  }

  /** In the order they were established; not a snapshot. */
  open(): IterableIterator<ServedConnection> {
    return this.#byId.values();
  }

  add(connection: ServedConnection): void {
    this.#byId.set(connection.id, connection);
    const { endpoint } = connection;
    if (this.#byEndpoint?.add(endpoint, connection) === true) this.#watch?.endpoint(endpoint, true);
    this.users.add(connection);
  }

  remove(connection: ServedConnection): void {
    this.#byId.delete(connection.id);
    const { endpoint } = connection;
    if (this.#byEndpoint?.remove(endpoint, connection) === true) this.#watch?.endpoint(endpoint, false);
    this.users.remove(connection);
  }

  /** Those of this process that another node means. */
  at(address: BaseAddress): AudienceBase {
    switch (address.kind) {
      case 'everybody':
        return this.inChannels([EVERYBODY]);
      case 'names':
        return this.inChannels(address.names);
      case 'user':
        return this.ofUser(address.id);
      case 'endpoint':
        return { address, members: () => this.#onPath(address.key) };
    }
  }

  /** The members of channels, each once; an id is that connection alone, also when it is gone: no channel can have its name. */
  inChannels(names: readonly string[]): AudienceBase {
    if (names.includes(EVERYBODY))
      return this.#base(
        { kind: 'everybody' },
        () => this.#byId.size,
        () => this.open(),
        () => true,
      );
    const address = names.length === 0 ? undefined : ({ kind: 'names', names } as const);
    const [only] = names;
    if (names.length === 1 && only !== undefined) return { address, members: () => this.#named(only) };
    return { address, members: () => this.#union(names) };
  }

  /** The connections of exactly this class, or of the one that replaces it. */
  ofEndpoint(endpoint: Type): AudienceBase {
    const served = (): Type => this.replaced.get(endpoint) ?? endpoint;
    const siblings = (): ReadonlySet<ServedConnection> | undefined => this.#endpoints.members(served());
    const key = this.endpointKeys.get(served());
    return this.#base(
      key === undefined ? undefined : { kind: 'endpoint', key },
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
    return {
      address: { kind: 'user', id },
      members: () => [...(this.users.members(id) ?? NOBODY)].toSorted(byAge),
    };
  }

  get #endpoints(): Channels<ServedConnection, Type> {
    if (this.#byEndpoint === undefined) {
      this.#byEndpoint = new Channels();
      for (const connection of this.open()) this.#byEndpoint.add(connection.endpoint, connection);
    }
    return this.#byEndpoint;
  }

  *#onPath(key: EndpointKey): Iterable<ServedConnection> {
    for (const [endpoint, own] of this.endpointKeys) if (isMeant(own, key)) yield* this.ofClass(endpoint);
  }

  #base(
    address: BaseAddress | undefined,
    size: () => number,
    members: () => Iterable<ServedConnection>,
    includes: (connection: ServedConnection) => boolean,
  ): AudienceBase {
    return {
      address,
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

/** An emitter knows the path alone. */
function isMeant(own: EndpointKey, { path, host, protocols }: EndpointKey): boolean {
  return (
    own.path === path &&
    (host === undefined || own.host === host) &&
    (protocols === undefined || own.protocols === protocols)
  );
}

/** In the order they were established. */
function byAge(one: ServedConnection, other: ServedConnection): number {
  return one.ordinal - other.ordinal;
}
