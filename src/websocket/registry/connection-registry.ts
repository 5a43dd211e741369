import { Injectable, type Type } from '@nestjs/common';
import type { BackplaneState } from '../backplane/node-watch.js';
import type { BackplaneNode } from '../backplane/nodes.js';
import { noUrlYet, type UrlBuilder, type UrlRequest } from './endpoint-url.js';
import { GroupMembership } from './group-membership.js';
import { audienceOf, type AudienceBase } from './selected-audience.js';
import { EVERYBODY, kindOf, readNames, type ChannelNames } from '../connection/channel-name.js';
import type { ChannelEventOptions, ChannelHandler } from './channel-events.js';
import { FanOut, type SerializerInUse } from './fan-out.js';
import { Members } from './members.js';
import {
  RegistryEvents,
  type BackplaneHandler,
  type DrainHandler,
  type EstablishHandler,
  type FinishHandler,
  type GapHandler,
} from './registry-events.js';
import type { Audience } from '../connection/audience.js';
import type { Connection } from '../connection/connection.js';
import type { ConnectionOf } from '../connection/connection-of.js';
import type { Delivery } from '../connection/delivery.js';
import type { FinishInfo } from '../connection/finish-info.js';
import type { Unregister } from '../connection/handler-list.js';
import { textOfUserId } from '../limits/user-id.js';
import type { RequestContext } from '../request/request-context.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { shareClass } from '../copies/shared-class.js';

/** `starting` until the application is ready, `draining` while it stops. Only `accepting` takes upgrades. */
export type RegistryState = 'starting' | 'accepting' | 'draining' | 'closed';

/**
 * The open connections of this process. Injectable everywhere, also into controllers and services, and usable before
 * the first client comes.
 *
 * With `gateways: true` clients of stock gateways are among them; their endpoint is the gateway class.
 *
 * @example
 * ```ts
 * @Controller('say_hi')
 * export class SayHiController {
 *   constructor(private readonly registry: ConnectionRegistry) {}
 *
 *   @Post()
 *   sayHi(): Delivery {
 *     return this.registry.broadcast('Hello!');
 *   }
 * }
 * ```
 */
@Injectable()
export class ConnectionRegistry implements Iterable<Connection> {
  /** @internal Who is there. */
  readonly members = new Members();
  readonly #events = new RegistryEvents(this.members.channels);
  readonly #fanOut = new FanOut();
  /** @internal The node that this process is. */
  readonly group = new GroupMembership(this.members, this.#fanOut, this.#events);
  /** Those that close, or ended a moment ago: only a shutdown means them. */
  readonly #leaving = new Set<ServedConnection>();
  #state: RegistryState = 'starting';
  #buildUrl: UrlBuilder = noUrlYet;

  /** Number of connections of this process, those that are still in `@OnEstablish` included, those that close left out. */
  get size(): number {
    return this.members.size;
  }

  /** Whether upgrades are taken: for readiness probes. */
  get state(): RegistryState {
    return this.#state;
  }

  /**
   * Whether other nodes can be reached; without the option `backplane` it is always `connected`. For readiness probes, never for
   * liveness probes: a restart does not bring an engine back, and this process serves its clients all the while.
   */
  get backplane(): { readonly state: BackplaneState } {
    return { state: this.group.state };
  }

  /** The nodes that are there, this one first. */
  get nodes(): readonly BackplaneNode[] {
    return this.group.nodes;
  }

  /** Gives the connection with this id, if it is open in this process; `undefined` for one of another process. */
  get<TConnection extends Connection<unknown, object> = Connection>(id: string): TConnection | undefined {
    return this.members.get(id) as TConnection | undefined;
  }

  /** Connections of this process in the order they were established; a snapshot. */
  [Symbol.iterator](): IterableIterator<Connection> {
    return [...this.members.open()][Symbol.iterator]();
  }

  /**
   * Addresses the connections of exactly this class in this process (a gateway too), or of its `useClass`. Empty for a class
   * that serves none. `in(Endpoint).only(name)` is the part of a channel that is on one endpoint.
   * @throws TypeError for what is not a class, such as the `undefined` of a circular import.
   */
  in<TEndpoint>(endpoint: Type<TEndpoint>): Audience<ConnectionOf<TEndpoint>> {
    if (typeof endpoint !== 'function') {
      throw new TypeError(
        `registry.in takes an endpoint class, not ${kindOf(endpoint)}. ` +
          'A class that is undefined here comes from files that import each other.',
      );
    }
    return this.#audience(this.members.ofEndpoint(endpoint));
  }

  /**
   * Addresses the members of channels in this process, each once. `*` is every connection, the id of a connection is that
   * connection alone. A channel is one for the whole application, also where several endpoints join it.
   * @throws TypeError for anything but strings and lists of them.
   */
  to<TConnection extends Connection<unknown, object> = Connection>(
    ...channels: readonly ChannelNames[]
  ): Audience<TConnection> {
    return this.#audience(this.members.inChannels(readNames(channels, 'to')));
  }

  /**
   * Addresses all connections of one user in this process, told apart by the option `userId`. Ids are compared as text, so
   * `1` and `'1'` are one user. A client hears nothing that is sent to another user, with any names that it joins.
   * @throws TypeError for `undefined`, `null`, and an id that cannot be compared.
   */
  toUser<TConnection extends Connection<unknown, object> = Connection>(
    id: string | number | bigint | object,
  ): Audience<TConnection> {
    const text = textOfUserId(id);
    if (text === undefined) {
      throw new TypeError(`registry.toUser takes the id of a user, as the option userId gives it, not ${kindOf(id)}.`);
    }
    return this.#audience(this.members.ofUser(text));
  }

  /**
   * Sends a value to every connection of this process. Encoded once per serializer; a connection whose serializer cannot
   * encode it is counted as dropped, with a warning once per endpoint.
   * @throws MessageEncodingError before anything is sent, when no serializer of the application can encode the value. Without
   * any connection nothing is encoded.
   */
  broadcast(value: unknown): Delivery;
  /** Sends an event with its data to every connection of this process, in the envelope of each one's serializer. */
  broadcast(event: string, data: unknown): Delivery;
  broadcast(...message: [value: unknown]): Delivery {
    return this.to(EVERYBODY).send(...message);
  }

  /**
   * Closes every connection of this process as `connection.close` does; tells how many there were.
   * @throws RangeError for a code that cannot be sent, also when there is none.
   */
  close(code?: number, reason?: string): number {
    const { size } = this;
    void this.to(EVERYBODY).here.close(code, reason);
    return size;
  }

  /**
   * Builds the absolute URL of an endpoint, `ws` or `wss`, with parameters filled in and the global prefix where it applies.
   *
   * @param request the request being answered; its host, and what trusted proxies say, name the server. Without it the
   * address the server listens on is used.
   * @throws ConfigurationError when the class is not an endpoint, a parameter is missing, or no address is known yet.
   */
  url(endpoint: Type, params: Readonly<Record<string, string>> = {}, request?: UrlRequest): string {
    return this.#buildUrl(endpoint, params, request);
  }

  /**
   * Calls a handler for every connection that is established (before `@OnEstablish` runs) or finished (after
   * `@OnFinish`), on this process. A throw or rejection in a handler is logged and changes nothing; the connection does not wait for a promise of it.
   *
   * @returns an idempotent function that takes the handler off again.
   */
  on(event: 'establish', handler: EstablishHandler): Unregister;
  /** Adds a handler for connections that are over; see above. */
  on(event: 'finish', handler: FinishHandler): Unregister;
  /**
   * Adds a handler for the beginning of a planned stop: no connection has been closed yet, so it can say goodbye. A promise of it
   * is awaited, for at most three quarters of `shutdown.graceMs`; messages are handled meanwhile, and new upgrades get 503.
   */
  on(event: 'drain', handler: DrainHandler): Unregister;
  /**
   * Calls a handler for every channel that has got its first member in this process (`occupied`), or has been without one for
   * `graceMs` (`vacated`): for subscriptions, documents or flags that are needed while someone is there. The two take turns for
   * each channel, beginning with `occupied`, if both are added with the same `graceMs`. A handler is called after the turn of
   * the event loop in which the channel changed, and never for a member that joined and left within one; a new one is told of
   * the channels that are occupied already. Nothing is told after the application has stopped. A throw or rejection is logged.
   *
   * @throws RangeError for a `graceMs` that is not a whole number of milliseconds.
   */
  on(event: 'occupied' | 'vacated', handler: ChannelHandler, options?: ChannelEventOptions): Unregister;
  /** Tells when other nodes can be reached (`connected`), and when they cannot (`degraded`); once per change. */
  on(event: 'backplane', handler: BackplaneHandler): Unregister;
  /**
   * Tells that something which other nodes sent to a channel may not have arrived here: the engine was away, or dropped it.
   * Load what the channel is about anew.
   */
  on(event: 'gap', handler: GapHandler): Unregister;
  on(event: string, handler: unknown, options?: ChannelEventOptions): Unregister {
    return this.#events.add(event, handler, options);
  }

  /** @internal */
  audience<TMember extends Connection<unknown, object>>(
    names: readonly string[],
    sender: ServedConnection,
  ): Audience<TMember> {
    return this.#audience(this.members.inChannels(names), sender);
  }

  /** @internal */
  identify(context: RequestContext): string | undefined {
    return this.members.users.identify(context);
  }

  /** @internal */
  changeUser(connection: ServedConnection): void {
    this.members.users.remove(connection);
    this.members.users.add(connection);
  }

  /** @internal */
  join(channel: string, connection: ServedConnection): void {
    if (this.members.join(channel, connection)) this.#events.channels.change(channel);
  }

  /** @internal */
  leave(channel: string, connection: ServedConnection): void {
    if (this.members.leave(channel, connection)) this.#events.channels.change(channel);
  }

  /** @internal Those that hold places, a snapshot. */
  all(): readonly ServedConnection[] {
    return [...this.members.open(), ...this.#leaving];
  }

  /** @internal */
  add(connection: ServedConnection): void {
    this.members.add(connection);
  }

  /** @internal No audience, number or look-up has it from now on. */
  withdraw(connection: ServedConnection): void {
    this.members.remove(connection);
    this.#leaving.add(connection);
  }

  /** @internal */
  remove(connection: ServedConnection): void {
    this.#leaving.delete(connection);
  }

  /** @internal */
  announceEstablish(connection: Connection): void {
    this.#events.establish(connection);
  }

  /** @internal */
  announceFinish(connection: Connection, end: FinishInfo): void {
    this.#events.finish(connection, end);
  }

  /** @internal Settles when the application has said goodbye; `undefined` when it has already. */
  announceDrain(): Promise<unknown> | undefined {
    return this.#events.drain();
  }

  /** @internal */
  moveTo(state: RegistryState): void {
    this.#state = state;
    if (state === 'closed') this.#events.channels.stop();
  }

  /** @internal */
  buildUrlsWith(builder: UrlBuilder, replaced: ReadonlyMap<Type, Type> = new Map()): void {
    this.#buildUrl = builder;
    this.members.replaced = replaced;
  }

  /** @internal All that the application encodes with. */
  encodeWith(serializers: readonly SerializerInUse[]): void {
    this.#fanOut.serializers = serializers;
  }

  /** Typed as its caller wants it: what the application knows of its connections, the compiler does not. */
  #audience<TMember extends Connection<unknown, object>>(
    base: AudienceBase,
    sender?: ServedConnection,
  ): Audience<TMember> {
    const audience: Audience<Connection<unknown, object>> = audienceOf(base, this.group, sender);
    return audience as Audience<TMember>;
  }
}

shareClass(ConnectionRegistry, 'ConnectionRegistry');
