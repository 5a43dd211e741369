import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Type } from '@nestjs/common';
import type { Connection } from '../connection/connection.js';
import type { ConnectionOf } from '../connection/connection-of.js';
import { ConnectionRegistry } from '../registry/connection-registry.js';
import type { ConnectionDrain, ConnectionPlaces, ConnectionStages } from '../connection/connection-ports.js';
import type { FinishInfo } from '../connection/finish-info.js';
import { ByteLedger } from '../limits/byte-ledger.js';
import { LimitsOptions } from '../limits/limits.options.js';
import { Outbox } from '../connection/outbox.js';
import type { ApplicationUser } from '../request/application-types.js';
import { ProxyTrust } from '../request/proxy-trust.js';
import { RequestContext } from '../request/request-context.js';
import { ServedConnection } from '../connection/served-connection.js';
import { Transport, type SharedMessage, type TakenCallback } from '../connection/transport.js';
import { CloseCode } from '../protocol/close-code.js';
import { PLAIN_PUSH } from '../serializer/envelope.js';
import { RawSerializer } from '../serializer/raw.serializer.js';
import type { MessageForm } from '../serializer/message-form.js';

/** What a fake connection is made of; everything has a sensible default. */
export interface FakeConnectionOptions<TUser = ApplicationUser, TData extends object = Record<string, unknown>> {
  /** Identifier. Default `connfake00000000000000000001` and so on, which have the form of real ones. */
  readonly id?: string;
  /** The endpoint class that it belongs to, so that `registry.in(…)` finds it. Default a class of its own. */
  readonly endpoint?: Type;
  /** What `connection.user` is. Default `undefined`. */
  readonly user?: TUser;
  /** What `connection.data` is. Default an empty object. */
  readonly data?: TData;
  /** Request target, query included. Default `/`. */
  readonly url?: string;
  /** Parameters of the endpoint's path. Default none. */
  readonly params?: Readonly<Record<string, string>>;
  /** Header fields of the upgrade request, names in any case. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Subprotocol in use. Default none. */
  readonly protocol?: string;
  /** Extra results of the handshake hook. Default none. */
  readonly results?: readonly unknown[];
  /** Registry to take part in, so that channels, users and broadcasts work between fakes. Default one of its own. */
  readonly registry?: ConnectionRegistry;
}

/** A connection without a socket, for unit tests of endpoint classes: it notes what is done to it. */
export interface FakeConnection<
  TUser = ApplicationUser,
  TData extends object = Record<string, unknown>,
> extends Connection<TUser, TData> {
  /** Everything that was sent, in order, as the values given to `send`. */
  readonly sent: readonly unknown[];

  /**
   * Code and reason given to `close`, or 1006 after `terminate`; `undefined` while it is open. Its `state` is `closing` then,
   * until `finish` is called.
   */
  readonly closedWith: { readonly code: number; readonly reason: string } | undefined;

  /**
   * Ends the connection as if the peer had closed: channels are left, the signal aborts, and the handlers added with
   * `on('finish')` run, not the `@OnFinish` of a class: a test calls that by itself. Rejects when a handler fails.
   */
  finish(end?: Partial<Pick<FinishInfo, 'code' | 'reason'>>): Promise<void>;

  /**
   * Delivers a message to the handlers added with `on('message')`, as if the peer had sent it; methods of an endpoint class
   * are not called. Rejects when a handler fails.
   */
  receive(message: unknown): Promise<void>;

  /**
   * Runs what was given to `afterReply` up to now, as if the reply had left: a test that calls a handler says when. Rejects
   * when a callback fails.
   */
  replied(): Promise<void>;
}

/**
 * Makes a connection for unit tests. It is a real `Connection` (`instanceof`, channels, handlers, states); only the
 * socket is missing: what is sent is kept in `sent`, unencoded.
 *
 * @example
 * ```ts
 * const connection = fakeConnection({ data: { name: 'Ada', room: 'lobby' } });
 * const said = new RoomEndpoint(registry).say(connection, 'Hello!');
 * expect(said).toEqual({ event: 'said', data: { name: 'Ada', text: 'Hello!' } });
 * ```
 */
export function fakeConnection<TUser = ApplicationUser, TData extends object = Record<string, unknown>>(
  options?: FakeConnectionOptions<TUser, TData>,
): FakeConnection<TUser, TData>;
/**
 * Makes a connection of an endpoint, with the types that its public methods declare: also for a part of it that a test has
 * alone.
 *
 * @example
 * ```ts
 * const connection = fakeConnection(RoomEndpoint, { data: { name: 'Ada' } });
 * ```
 */
export function fakeConnection<TEndpoint>(
  endpoint: Type<TEndpoint>,
  options?: Omit<FakeConnectionOptions<ConnectionOf<TEndpoint>['user'], ConnectionOf<TEndpoint>['data']>, 'endpoint'>,
): FakeConnection<ConnectionOf<TEndpoint>['user'], ConnectionOf<TEndpoint>['data']>;
export function fakeConnection(
  endpointOrOptions: Type | FakeConnectionOptions = {},
  others: FakeConnectionOptions = {},
): FakeConnection {
  const options =
    typeof endpointOrOptions === 'function' ? { ...others, endpoint: endpointOrOptions } : endpointOrOptions;
  return new NotingConnection(options, new NotingTransport(), options.registry ?? new ConnectionRegistry());
}

class NotingConnection extends ServedConnection implements FakeConnection {
  readonly #transport: NotingTransport;
  readonly #stages: OwnHandlersOnly;
  readonly #afterReply: (() => unknown)[] = [];
  /** Settles when the registry has told of the end. */
  readonly #told: Promise<void>;

  constructor(options: FakeConnectionOptions, transport: NotingTransport, registry: ConnectionRegistry) {
    const stages = new OwnHandlersOnly();
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    super(
      {
        id: options.id ?? `connfake${String(++made).padStart(20, '0')}`,
        context: makeContext(options),
        outbox: new Outbox(transport, LIMITS, LEDGER),
        places: NO_PLACES,
      },
      {
        endpoint: options.endpoint ?? FakeEndpoint,
        settings: { serializer: new RawSerializer(), limits: LIMITS, concurrency: 1, closeTimeoutMs: NEVER_MS },
        stages,
        registry,
        ledger: LEDGER,
        drain: { ...NO_DRAIN, finished: () => tell() },
      },
    );
    this.#transport = transport;
    this.#stages = stages;
    this.#told = told;
    if (options.data !== undefined) this.data = options.data;
    this.establish([]);
  }

  get sent(): readonly unknown[] {
    return this.#transport.sent;
  }

  get closedWith(): { readonly code: number; readonly reason: string } | undefined {
    return this.#transport.closedWith;
  }

  async finish(end: Partial<Pick<FinishInfo, 'code' | 'reason'>> = {}): Promise<void> {
    this.onPeerClose(end.code ?? CloseCode.normal, end.reason ?? '');
    this.onClose();
    await this.#told;
    await this.#stages.finished;
  }

  /** Keeps values as they are, so that a test compares what was meant and not what was encoded. */
  override encode(value: unknown, { event }: MessageForm = PLAIN_PUSH): string | Uint8Array {
    return (event === undefined ? value : { event, data: value }) as string;
  }

  override afterReply(callback: () => unknown): void {
    this.#afterReply.push(callback);
  }

  async replied(): Promise<void> {
    for (let next = this.#afterReply.shift(); next !== undefined; next = this.#afterReply.shift()) await next();
  }

  async receive(message: unknown): Promise<void> {
    for (const { handler, unregister } of this.messageHandlers ?? []) await handler(this, message, unregister);
  }
}

/** Runs what a test has added with `on`; the methods of an endpoint class are called by the test itself. */
class OwnHandlersOnly implements ConnectionStages<ServedConnection> {
  /** Rejects when a finish handler fails. */
  finished: Promise<void> | undefined;

  establish(): void {}

  handle(): void {}

  async finish(connection: ServedConnection, end: FinishInfo): Promise<void> {
    this.finished = this.#run(connection, end);
    await this.finished.catch(() => undefined);
  }

  async #run(connection: ServedConnection, end: FinishInfo): Promise<void> {
    for (const { handler, unregister } of connection.takeFinishHandlers()) await handler(connection, end, unregister);
  }
}

const LIMITS = new LimitsOptions();

/** What a fake sends never waits. */
const LEDGER = new ByteLedger(Number.POSITIVE_INFINITY);

/** The longest delay a timer takes: a test ends its connections itself. */
const NEVER_MS = 2_147_483_647;

const NO_PLACES: ConnectionPlaces = {
  occupy: () => undefined,
  changeUser: () => true,
  leaveUser: () => undefined,
  release: () => undefined,
};

const NO_DRAIN: ConnectionDrain = {
  decision: { code: CloseCode.goingAway, reason: '', initiator: 'shutdown' },
  closeTimeoutMs: NEVER_MS,
  finished: () => undefined,
  lateHandlerSettled: () => undefined,
};

let made = 0;

class FakeEndpoint {}

/** Replaces the socket and keeps what is sent. */
class NotingTransport extends Transport {
  override readonly raw = undefined;
  override readonly isCut = false;
  override readonly bufferedBytes = 0;
  override readonly overheadBytes = 0;
  override readonly bytesRead = 0;
  override readonly isInMessage = false;
  readonly sent: unknown[] = [];
  closedWith: { readonly code: number; readonly reason: string } | undefined;

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    this.sent.push(data instanceof Uint8Array ? Uint8Array.prototype.slice.call(data) : data);
    taken?.();
  }

  override sendShared(message: SharedMessage): void {
    this.sent.push(message.data);
  }

  override trySendShared(message: SharedMessage): boolean {
    this.sendShared(message);
    return true;
  }

  override flush(): void {}

  override count(): void {}

  override ping(): void {}

  override close(code: number, reason: string): void {
    this.closedWith ??= { code, reason };
  }

  override terminate(): void {
    this.close(1006, '');
  }

  override pause(): void {}

  override resume(): void {}

  override readonly isPaused = false;
  override readonly isHolding = false;

  override handOver(): void {}
}

function makeContext(options: FakeConnectionOptions): RequestContext {
  const { url = '/', headers = {}, params = {}, user, protocol = '', results = [] } = options;
  const request = new IncomingMessage(new Socket());
  request.url = url;
  request.method = 'GET';
  for (const [name, value] of Object.entries(headers)) request.headers[name.toLowerCase()] = value;
  const context = new RequestContext(request, url.split('?', 1)[0] ?? '/', params, new ProxyTrust(false));
  if (user !== undefined) context.user = user;
  context.settleHandshake(protocol, results);
  return context;
}
