import type { IncomingMessage } from 'node:http';
import { Injectable, Logger, type Type } from '@nestjs/common';
import { describe, stackOf } from '../errors/describe-error.js';
import { isPromiseLike } from './settle.js';
import { ConfigurationError, type MessageEncodingError } from '../errors/plack-websocket.error.js';
import type { Serializer } from '../serializer/serializer.js';
import { SelectedAudience } from './audience.js';
import { Channels, EVERYBODY } from './channels.js';
import { isConnectionId } from './connection-id.js';
import type { Audience, Connection } from './connection.js';
import type { Delivery } from './delivery.js';
import { FinishInfo } from './finish-info.js';
import type { Unregister } from './handler-list.js';
import type { RequestContext } from './request-context.js';
import { SharedMessage } from './transport.js';

/** `starting` until the application is ready, `draining` while it stops. Only `accepting` takes upgrades. */
export type RegistryState = 'starting' | 'accepting' | 'draining' | 'closed';

/** A request that tells under which name the server is reached. */
export type UrlRequest = RequestContext | IncomingMessage | { readonly raw: IncomingMessage };

/** Builds the URL of an endpoint; who knows paths and servers implements it. */
export type UrlBuilder = (endpoint: Type, params: Readonly<Record<string, string>>, request?: UrlRequest) => string;

const NOBODY: readonly Connection[] = [];

/** Told of every connection that is established here. */
export type EstablishHandler = (connection: Connection) => unknown;
/** Told of every connection that is over. */
export type FinishHandler = (connection: Connection, end: FinishInfo) => unknown;

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
  readonly #connections = new Map<string, Connection>();
  /** Made when somebody asks for the connections of an endpoint; many applications never do. */
  #byEndpoint: Map<Type, Set<Connection>> | undefined;
  readonly #onEstablish = new Set<{ readonly handler: EstablishHandler }>();
  readonly #onFinish = new Set<{ readonly handler: FinishHandler }>();
  readonly #logger = new Logger('PlackWebSocket');
  #state: RegistryState = 'starting';
  #buildUrl: UrlBuilder | undefined;

  readonly #channels = new Channels<Connection>();

  /** Number of connections, those that are still in `@OnEstablish` included. */
  get size(): number {
    return this.#connections.size;
  }

  /** Whether upgrades are taken: for readiness probes. */
  get state(): RegistryState {
    return this.#state;
  }

  /** Gives the connection with this id, if it is open in this process. */
  get(id: string): Connection | undefined {
    return this.#connections.get(id);
  }

  /** Connections in the order they were established; a snapshot. */
  [Symbol.iterator](): IterableIterator<Connection> {
    return [...this.#connections.values()][Symbol.iterator]();
  }

  /** Addresses the connections of one endpoint class. Empty for a class that serves none. */
  in(endpoint: Type): Audience {
    return new SelectedAudience(() => this.#ofEndpoint(endpoint), this.#deliver, undefined);
  }

  /** Addresses the members of channels, each once; `*` is everybody, the id of a connection is that connection alone. */
  to(...channels: readonly string[]): Audience {
    return this.audience(channels, undefined);
  }

  /**
   * Sends a value to every connection. Encoded once per serializer; a connection that is closing, or whose serializer
   * cannot encode the value while others can, is counted as dropped.
   * @throws MessageEncodingError before anything is sent, when no serializer concerned can encode the value.
   */
  broadcast(value: unknown): Delivery {
    return this.to(EVERYBODY).send(value);
  }

  /**
   * Closes every connection as `connection.close` does; tells how many there were.
   * @throws RangeError for a code that cannot be sent, also when nobody is there.
   */
  close(code?: number, reason?: string): number {
    return this.to(EVERYBODY).close(code, reason);
  }

  /**
   * Builds the absolute URL of an endpoint, `ws` or `wss`, with parameters filled in and the global prefix where it applies.
   *
   * @param request the request being answered; its host, and what trusted proxies say, name the server. Without it the
   * address the server listens on is used.
   * @throws ConfigurationError when the class is no endpoint, a parameter is missing, or no address is known yet.
   */
  url(endpoint: Type, params: Readonly<Record<string, string>> = {}, request?: UrlRequest): string {
    if (this.#buildUrl === undefined) {
      throw new ConfigurationError(
        'Endpoints have no URL before the application is initialized. Ask for it after app.init() or app.listen().',
      );
    }
    return this.#buildUrl(endpoint, params, request);
  }

  /**
   * Calls a handler for every connection that is established (before `@OnEstablish` runs) or finished (after
   * `@OnFinish`), on this process. A throw or rejection in a handler is logged and changes nothing; nobody waits for it.
   *
   * @returns an idempotent function that takes the handler off again.
   */
  on(event: 'establish', handler: EstablishHandler): Unregister;
  /** Adds a handler for connections that are over; see above. */
  on(event: 'finish', handler: FinishHandler): Unregister;
  on(event: 'establish' | 'finish', handler: EstablishHandler | FinishHandler): Unregister {
    if (typeof handler !== 'function') throw new TypeError(`The handler for event ${event} must be a function.`);
    if (event === 'establish') return register(this.#onEstablish, handler as EstablishHandler);
    if (event === 'finish') return register(this.#onFinish, handler);
    throw new TypeError(`Unknown event: ${String(event)}; the registry has establish and finish.`);
  }

  /** @internal */
  audience(channels: readonly string[], sender: Connection | undefined): Audience {
    return new SelectedAudience(() => this.#select(channels), this.#deliver, sender);
  }

  /** @internal */
  join(channel: string, connection: Connection): void {
    this.#channels.add(channel, connection);
  }

  /** @internal */
  leave(channel: string, connection: Connection): void {
    this.#channels.remove(channel, connection);
  }

  /** @internal All connections as they are, without a copy. */
  all(): Iterable<Connection> {
    return this.#connections.values();
  }

  /** @internal */
  add(connection: Connection): void {
    this.#connections.set(connection.id, connection);
    if (this.#byEndpoint !== undefined) index(this.#byEndpoint, connection);
  }

  /** @internal */
  remove(connection: Connection): void {
    this.#connections.delete(connection.id);
    this.#byEndpoint?.get(connection.endpoint)?.delete(connection);
  }

  /** @internal */
  announceEstablish(connection: Connection): void {
    if (this.#onEstablish.size === 0) return;
    for (const { handler } of [...this.#onEstablish]) this.#call(() => handler(connection));
  }

  /** @internal */
  announceFinish(connection: Connection, end: FinishInfo): void {
    if (this.#onFinish.size === 0) return;
    for (const { handler } of [...this.#onFinish]) this.#call(() => handler(connection, end));
  }

  /** @internal */
  moveTo(state: RegistryState): void {
    this.#state = state;
  }

  /** @internal */
  buildUrlsWith(builder: UrlBuilder): void {
    this.#buildUrl = builder;
  }

  /** Encodes once per serializer, before anything is sent, then sends to a snapshot. */
  readonly #deliver = (members: readonly Connection[], value: unknown): Delivery => {
    const encoded = this.#encodeForAll(members, value);
    let sent = 0;
    // Neighbours mostly share a serializer, so the last one looked up is the right one.
    let serializer: Serializer | undefined;
    let message: SharedMessage | undefined;
    for (const connection of members) {
      if (connection.serializer !== serializer) message = encoded.get((serializer = connection.serializer));
      if (message !== undefined && connection.dispatchShared(message)) sent++;
    }
    return { matched: members.length, sent, dropped: members.length - sent };
  };

  /** A serializer that cannot encode the value leaves its own connections out, not those of the others. */
  #encodeForAll(members: readonly Connection[], value: unknown): Map<Serializer, SharedMessage | undefined> {
    const encoded = new Map<Serializer, SharedMessage | undefined>();
    let failure: Error | undefined;
    let succeeded = 0;
    let last: Serializer | undefined;
    for (const connection of members) {
      if (connection.serializer === last || encoded.has((last = connection.serializer))) continue;
      try {
        encoded.set(connection.serializer, new SharedMessage(connection.encode(value)));
        succeeded++;
      } catch (error) {
        failure = error as MessageEncodingError;
        encoded.set(connection.serializer, undefined);
      }
    }
    if (failure !== undefined && succeeded === 0) throw failure;
    if (failure !== undefined) this.#logger.error(`A broadcast left out connections: ${describe(failure)}`);
    return encoded;
  }

  #select(channels: readonly string[]): Iterable<Connection> {
    if (channels.includes(EVERYBODY)) return this.#connections.values();
    const [only] = channels;
    if (channels.length === 1 && only !== undefined) return this.#named(only);
    return this.#selectOnce(channels);
  }

  /** An id addresses its connection and nobody else, also when that is gone: no channel can have its name. */
  #named(name: string): Iterable<Connection> {
    const connection = this.#connections.get(name);
    if (connection !== undefined) return [connection];
    return isConnectionId(name) ? NOBODY : (this.#channels.members(name) ?? NOBODY);
  }

  #ofEndpoint(endpoint: Type): Iterable<Connection> {
    if (this.#byEndpoint === undefined) {
      this.#byEndpoint = new Map();
      for (const connection of this.#connections.values()) index(this.#byEndpoint, connection);
    }
    return this.#byEndpoint.get(endpoint) ?? NOBODY;
  }

  *#selectOnce(channels: readonly string[]): Iterable<Connection> {
    const seen = channels.length > 1 ? new Set<Connection>() : undefined;
    for (const channel of channels) {
      for (const connection of this.#named(channel)) {
        if (seen?.has(connection) === true) continue;
        seen?.add(connection);
        yield connection;
      }
    }
  }

  #call(handler: () => unknown): void {
    const fail = (error: unknown): void => this.#logger.error('A registry handler failed.', stackOf(error));
    try {
      const result = handler();
      if (isPromiseLike(result)) result.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  }
}

function index(byEndpoint: Map<Type, Set<Connection>>, connection: Connection): void {
  const siblings = byEndpoint.get(connection.endpoint);
  if (siblings === undefined) byEndpoint.set(connection.endpoint, new Set([connection]));
  else siblings.add(connection);
}

function register<Handler>(handlers: Set<{ readonly handler: Handler }>, handler: Handler): Unregister {
  const registration = { handler };
  handlers.add(registration);
  return () => void handlers.delete(registration);
}
