import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Connection } from '../connection/connection.js';
import { ConnectionRegistry } from '../connection/connection-registry.js';
import { FinishInfo } from '../connection/finish-info.js';
import { LimitsOptions } from '../connection/limits.options.js';
import { Outbox } from '../connection/outbox.js';
import { ProxyTrust } from '../connection/proxy-trust.js';
import { RequestContext } from '../connection/request-context.js';
import { Transport, type SharedMessage, type TakenCallback } from '../connection/transport.js';
import { Serializer } from '../serializer/serializer.js';

/** What a fake connection is made of; everything has a sensible default. */
export interface FakeConnectionOptions<TUser = unknown, TData extends object = Record<string, unknown>> {
  /** Identifier. Default `fake-1`, `fake-2`, … */
  readonly id?: string;
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
  /** Registry to take part in, so that channels and broadcasts work between fakes. Default one of its own. */
  readonly registry?: ConnectionRegistry;
}

/** A connection without a socket, for unit tests of endpoint classes: it notes what is done to it. */
export class FakeConnection<TUser = unknown, TData extends object = Record<string, unknown>> extends Connection<
  TUser,
  TData
> {
  readonly #transport: NotingTransport;
  readonly #registry: ConnectionRegistry;

  /** @internal */
  constructor(options: FakeConnectionOptions<TUser, TData>, transport: NotingTransport, registry: ConnectionRegistry) {
    super({
      id: options.id ?? `fake-${++made}`,
      endpoint: FakeEndpoint,
      context: makeContext(options),
      serializer: new PassingSerializer(),
      outbox: new Outbox(transport, new LimitsOptions(), undefined),
      home: registry,
    });
    this.#transport = transport;
    this.#registry = registry;
    if (options.data !== undefined) this.data = options.data;
    registry.add(this as unknown as Connection);
    this.settleEstablish();
  }

  /** Everything that was sent, in order, as the values given to `send`. */
  get sent(): readonly unknown[] {
    return this.#transport.sent;
  }

  /**
   * Code and reason given to `close`, or 1006 after `terminate`; `undefined` while it is open. Its `state` is `closing` then,
   * until `finish` is called.
   */
  get closedWith(): { readonly code: number; readonly reason: string } | undefined {
    return this.#transport.closedWith;
  }

  /**
   * Ends the connection as if the peer had closed: channels are left, the signal aborts, and the handlers added with
   * `on('finish')` run, not the `@OnFinish` of a class: a test calls that by itself. Rejects when a handler fails.
   */
  async finish(end: Partial<Pick<FinishInfo, 'code' | 'reason'>> = {}): Promise<void> {
    const info = new FinishInfo(end.code ?? 1000, end.reason ?? '', true, 'client');
    const self = this as unknown as Connection;
    this.#registry.remove(self);
    this.settleFinish(info);
    for (const { handler, unregister } of this.takeFinishHandlers()) await handler(self, info, unregister);
  }

  /**
   * Delivers a message to the handlers added with `on('message')`, as if the peer had sent it; methods of an endpoint class
   * are not called. Rejects when a handler fails.
   */
  async receive(message: unknown): Promise<void> {
    for (const { handler, unregister } of this.messageHandlers ?? []) {
      await handler(this as unknown as Connection, message, unregister);
    }
  }
}

/**
 * Makes a connection for unit tests. It is a real `Connection` (`instanceof`, channels, handlers, states); only the
 * socket is missing: what is sent stands in `sent`, unencoded.
 *
 * @example
 * ```ts
 * const connection = fakeConnection({ data: { name: 'Ada', room: 'lobby' } });
 * const said = new RoomEndpoint(registry).say(connection, 'Hello!');
 * expect(said).toEqual({ event: 'said', data: { name: 'Ada', text: 'Hello!' } });
 * ```
 */
export function fakeConnection<TUser = unknown, TData extends object = Record<string, unknown>>(
  options: FakeConnectionOptions<TUser, TData> = {},
): FakeConnection<TUser, TData> {
  return new FakeConnection(options, new NotingTransport(), options.registry ?? new ConnectionRegistry());
}

let made = 0;

class FakeEndpoint {}

/** Keeps values as they are, so that a test compares what was meant and not what was encoded. */
class PassingSerializer extends Serializer {
  override encode(value: unknown): string | Uint8Array {
    return value as string;
  }

  override decode(data: string | Buffer): unknown {
    return data;
  }
}

/** Stands in for the socket and notes what comes. */
class NotingTransport extends Transport {
  override readonly raw = undefined;
  override readonly isCut = false;
  override readonly bufferedBytes = 0;
  override readonly bytesRead = 0;
  override isOpen = true;
  readonly sent: unknown[] = [];
  closedWith: { readonly code: number; readonly reason: string } | undefined;

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    this.sent.push(data);
    taken?.();
  }

  override sendShared(message: SharedMessage): void {
    this.sent.push(message.data);
  }

  override flush(): void {}

  override ping(): void {}

  override close(code: number, reason: string): void {
    this.isOpen = false;
    this.closedWith ??= { code, reason };
  }

  override terminate(): void {
    this.close(1006, '');
  }

  override pause(): void {}

  override resume(): void {}
}

function makeContext<TUser, TData extends object>(options: FakeConnectionOptions<TUser, TData>): RequestContext {
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
