import type { ChannelNames } from './channel-name.js';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';

/** Some of an audience: the members of a channel, a connection by itself or by its id, or `*` for every connection. */
export type Addressee = Connection<unknown, object> | string;

/** Which nodes have carried out a verb. */
export interface Reached {
  /** Ids of the nodes that have done it, this one first. */
  readonly nodes: readonly string[];
  /** Ids of the nodes that did not say so in time. They may have done it all the same. */
  readonly missing: readonly string[];
}

/** The number of connections over all nodes. */
export interface Counted extends Reached {
  readonly total: number;
}

/** The connections over all nodes. */
export interface Listed extends Reached {
  readonly connections: readonly ListedConnection[];
}

/** A connection as other nodes see it. */
export interface ListedConnection {
  readonly id: string;
  /** Id of the node that it is on. */
  readonly node: string;
  /** Name of the endpoint class. */
  readonly endpoint: string;
  /** Id of the user, by the option `userId`. */
  readonly user: string | undefined;
  readonly channels: readonly string[];
  /** When it was established, by the clock of this process. */
  readonly since: Date;
  /** The keys of `connection.data` that the option `expose` of the backplane names, where JSON has a form for them. */
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Some connections, chosen by channels, by endpoint or by user; made by `connection.to()`, `registry.to()`, `registry.in()` and
 * `registry.toUser()`. It is a description, not a list: who is meant is decided anew by each verb, while lists of names are
 * read once, when they are given. Each connection gets a message once, also when it is in several of the channels. A
 * connection that is closing is in no audience.
 *
 * With the option `backplane` it means connections of all nodes: `send`, `broadcast`, `close`, `join`, `leave`, `count` and `list`
 * reach them. What can be iterated or counted by `size` is in this process, and so is all of `here`. Without a backplane the
 * two are the same.
 *
 * @example
 * ```ts
 * connection.to('lobby', 'kitchen').broadcast({ event: 'said', data: { name, text } });
 * registry.in(RoomEndpoint).only('lobby').except(connection).close(4000, 'the lobby closes');
 * const names = [...registry.in(RoomEndpoint)].map(({ data }) => data['name']);
 * ```
 */
export abstract class Audience<
  TConnection extends Connection<unknown, object> = Connection,
> implements Iterable<TConnection> {
  /**
   * Keeps who is any of these, and drops the others; without arguments it drops all. Steps add up: a second `only` has to fit
   * as well. Returns a new audience.
   * @throws TypeError for anything but channels, ids, connections, and lists of them.
   */
  abstract only(...kept: readonly (Addressee | Iterable<Addressee>)[]): Audience<TConnection>;
  /**
   * Leaves out who is any of these; without arguments it changes nothing. Steps add up. Returns a new audience.
   * @throws TypeError for anything but channels, ids, connections, and lists of them: what is to be kept from a connection
   * must not reach it because a variable is `undefined`.
   */
  abstract except(...excluded: readonly (Addressee | Iterable<Addressee>)[]): Audience<TConnection>;
  /**
   * Sends to every member, the sender too if it is one. Encoded once per serializer; bytes may be written over as soon as
   * this has returned.
   * @throws MessageEncodingError before anything is sent, when no serializer of the application can encode the value; never because of
   * who is connected: members whose serializer cannot encode it are dropped.
   */
  abstract send(value: unknown): Delivery;
  /**
   * Sends an event with its data to every member, in the envelope of each one's serializer.
   * @throws MessageEncodingError before anything is sent, when no serializer of the application can encode it.
   */
  abstract send(event: string, data: unknown): Delivery;
  /**
   * Sends to every member but the sender. Same as `send` where there is no sender.
   * @throws MessageEncodingError before anything is sent, when no serializer of the application can encode the value; never because of
   * who is connected: members whose serializer cannot encode it are dropped.
   */
  abstract broadcast(value: unknown): Delivery;
  /** Sends an event with its data to every member but the sender; see `send(event, data)`. */
  abstract broadcast(event: string, data: unknown): Delivery;
  /**
   * Closes every member. They are out of every audience and limit at once, and what their handlers still return is dropped. The
   * close frames leave behind what was sent before; many of them leave in slices. `registry.toUser(id).close(4401)` also ends
   * handshakes of that user that had begun before.
   *
   * @returns a promise that is safe to ignore. It never rejects, and settles when every node has done it, or after `timeoutMs` of the
   * backplane.
   * @throws RangeError for a code that cannot be sent, TypeError for a reason that is not a string; both also for an
   * audience without members.
   */
  abstract close(code?: number, reason?: string): Promise<Reached>;
  /**
   * Lets every member join channels. One that is in `limits.maxChannels` already is left out, with a warning.
   * @returns as `close` does.
   * @throws TypeError for what is not the name of a channel.
   */
  abstract join(...channels: readonly ChannelNames[]): Promise<Reached>;
  /**
   * Takes every member out of channels.
   * @returns as `close` does.
   * @throws TypeError for anything but strings and lists of them.
   */
  abstract leave(...channels: readonly ChannelNames[]): Promise<Reached>;
  /** Counts the members on all nodes. Never rejects: a node that does not answer within `timeoutMs` is `missing`. */
  abstract count(): Promise<Counted>;
  /** Lists the members on all nodes, in no promised order. Never rejects: a node that does not answer within `timeoutMs` is `missing`. */
  abstract list(): Promise<Listed>;
  /** The part of the audience that is in this process: nothing of what is done to it is published. */
  abstract readonly here: Audience<TConnection>;
  /** The members of this process as a fixed list: who comes and goes later changes nothing in it. */
  abstract connections(): TConnection[];
  /** Number of connections of this process that are meant right now. */
  abstract readonly size: number;
  /** Iterates over the connections of this process that are meant right now; a snapshot. */
  abstract [Symbol.iterator](): IterableIterator<TConnection>;
}
