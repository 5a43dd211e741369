import type { IncomingHttpHeaders } from 'node:http';
import { Logger, type Type } from '@nestjs/common';
import { MessageEncodingError, OutboxOverflowError } from '../errors/plack-websocket.error.js';
import { CloseCode, toSendableCode } from '../protocol/close-code.js';
import { truncateCloseReason } from '../protocol/close-reason.js';
import type { Serializer } from '../serializer/serializer.js';
import { EVERYBODY } from './channels.js';
import type { Delivery } from './delivery.js';
import { Expiry, toEpochMs } from './expiry.js';
import { FinishInfo, type FinishInitiator } from './finish-info.js';
import { HandlerList, type Registration, type Unregister } from './handler-list.js';
import { Outbox } from './outbox.js';
import type { QueryValues, RequestContext } from './request-context.js';
import type { SharedMessage, Transport } from './transport.js';

/** `establishing` until `@OnEstablish` settled, `closing` once either side began to close, `closed` when it is over. */
export type ConnectionState = 'establishing' | 'open' | 'closing' | 'closed';

/**
 * Handles one message of one connection. A throw or a rejection goes to `@OnError`, then to the default answer; exception
 * filters are not asked. The other handlers still run. A returned promise is awaited before the next message.
 */
export type ConnectionMessageHandler = (connection: Connection, message: unknown, unregister: Unregister) => unknown;

/**
 * Handles the end of one connection. A throw or a rejection is told to `@OnError` and logged; the other handlers still
 * run. A returned promise is awaited, also by a shutdown.
 */
export type ConnectionFinishHandler = (connection: Connection, end: FinishInfo, unregister: Unregister) => unknown;

/** Whom an audience leaves out: a connection, itself or by its id, or the members of a channel. */
export type Exception = Connection<unknown, object> | string;

/**
 * Some connections of this process, chosen by channels or by endpoint; made by `connection.to()`, `registry.to()` and
 * `registry.in()`. Who is meant is decided when a message is sent, not when the audience is made. Each connection gets a
 * message once, however many of the channels it is in. Iterating gives a snapshot.
 *
 * @example
 * ```ts
 * connection.to('lobby', 'kitchen').broadcast({ event: 'said', data: { name, text } });
 * registry.to('lobby').except(connection).close(4000, 'the lobby closes');
 * const names = [...registry.in(RoomEndpoint)].map(({ data }) => data['name']);
 * ```
 */
export abstract class Audience implements Iterable<Connection> {
  /** Leaves out these connections, or everybody in these channels. Returns a new audience. */
  abstract except(...exceptions: readonly Exception[]): Audience;
  /**
   * Sends to every member, the sender too if it is one. Encoded once per serializer.
   * @throws MessageEncodingError before anything is sent, when no serializer concerned can encode the value.
   */
  abstract send(value: unknown): Delivery;
  /**
   * Sends to every member but the sender. Same as `send` where there is no sender.
   * @throws MessageEncodingError before anything is sent, when no serializer concerned can encode the value.
   */
  abstract broadcast(value: unknown): Delivery;
  /**
   * Closes every member as `connection.close` does; tells how many there were.
   * @throws RangeError for a code that cannot be sent, also when nobody is there.
   */
  abstract close(code?: number, reason?: string): number;
  /** Number of connections meant right now. */
  abstract readonly size: number;
  /** Iterates over the connections meant right now; a snapshot. */
  abstract [Symbol.iterator](): IterableIterator<Connection>;
}

/** Where connections live together; the registry implements it. */
export interface ConnectionHome {
  join(channel: string, connection: Connection): void;
  leave(channel: string, connection: Connection): void;
  audience(channels: readonly string[], sender: Connection | undefined): Audience;
}

/** What a connection is made of; the lifecycle puts it together. */
export interface ConnectionParts {
  readonly id: string;
  readonly endpoint: Type;
  readonly context: RequestContext;
  readonly serializer: Serializer;
  readonly outbox: Outbox;
  readonly home: ConnectionHome;
}

/** What this side decided about the end, before the socket is closed. */
export interface ClosingDecision {
  readonly code: number;
  readonly reason: string;
  readonly initiator: FinishInitiator;
  readonly error?: unknown;
}

/** Who runs the handlers of a connection, as far as its end goes. */
export interface ConnectionDriver {
  /** Closes as soon as what has arrived is handled. */
  drain(decision: ClosingDecision): void;
  /** Closes whatever is still going on. */
  closeNow(decision: ClosingDecision): void;
}

const logger = new Logger('PlackWebSocket');

/**
 * One open WebSocket and its state. It lives from the 101 to the end of the finish handlers, whether or not anybody
 * holds a reference to it.
 *
 * `TUser` types `user`, `TData` types `data`; both are the application's. The library makes connections; tests make
 * theirs with `fakeConnection`.
 *
 * @example
 * ```ts
 * connection.data = { name, room };
 * connection.join(room);
 * void connection.send({ event: 'welcome', data: { room, name } });
 * connection.to(room).broadcast({ event: 'joined', data: { name } });
 * ```
 */
export class Connection<TUser = unknown, TData extends object = Record<string, unknown>> {
  readonly #id: string;
  readonly #endpoint: Type;
  readonly #context: RequestContext;
  readonly #serializer: Serializer;
  readonly #outbox: Outbox;
  readonly #home: ConnectionHome;
  #state: ConnectionState = 'establishing';
  #data: TData | undefined;
  #channels: Set<string> | undefined;
  #messageHandlers: HandlerList<ConnectionMessageHandler> | undefined;
  #finishHandlers: HandlerList<ConnectionFinishHandler> | undefined;
  #abort: AbortController | undefined;
  #closing: ClosingDecision | undefined;
  #end: FinishInfo | undefined;
  #finishTaken = false;
  #readingPaused = false;
  /** Heartbeat: what had been received at the last tick, and for how many ticks nothing more came. */
  #bytesSeen = 0;
  #silentTicks = 0;
  #sent = 0;
  #expiresAt: number | undefined;
  #expiry: Expiry | undefined;
  /** @internal Who runs the handlers; `undefined` only where there is no socket, in unit tests. */
  driver: ConnectionDriver | undefined;

  /** @internal */
  constructor(parts: ConnectionParts) {
    this.#id = parts.id;
    this.#endpoint = parts.endpoint;
    this.#context = parts.context;
    this.#serializer = parts.serializer;
    this.#outbox = parts.outbox;
    this.#home = parts.home;
  }

  /** Unguessable identifier, unique over all processes; never used again. */
  get id(): string {
    return this.#id;
  }

  /** The `@WsEndpoint` class that serves this connection. */
  get endpoint(): Type {
    return this.#endpoint;
  }

  /** The upgrade request, for the life of the connection. */
  get context(): RequestContext<TUser> {
    return this.#context as RequestContext<TUser>;
  }

  /** What guards, passport or the handshake hook put on the request as `user`. */
  get user(): TUser {
    return this.context.user;
  }

  set user(user: TUser) {
    this.context.user = user;
  }

  /** The application's own data about this connection; starts as an empty object. */
  get data(): TData {
    return (this.#data ??= {} as TData);
  }

  set data(data: TData) {
    this.#data = data;
  }

  /** Subprotocol in use, empty when none was agreed on. */
  get protocol(): string {
    return this.context.protocol;
  }

  /** Where the connection is in its life; `closing` from the first close frame on, sent or received. */
  get state(): ConnectionState {
    return this.#isSendable || this.#state === 'closed' ? this.#state : 'closing';
  }

  /** Bytes accepted for sending that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  /** Aborts when the connection is over, with its {@link FinishInfo} as the reason. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#end !== undefined) this.#abort.abort(this.#end);
    }
    return this.#abort.signal;
  }

  /** The `ws` socket. Closing or sending through it goes past the limits and the order this library keeps. */
  get raw(): unknown {
    return this.#outbox.transport.raw;
  }

  /** Headers of the upgrade request, where guards written for HTTP look for them. */
  get headers(): IncomingHttpHeaders {
    return this.context.headers;
  }

  /** Request target of the upgrade, as guards written for HTTP expect it. */
  get url(): string {
    return this.context.url;
  }

  /** Parameters of the endpoint's path. */
  get params(): RequestContext['params'] {
    return this.context.params;
  }

  /** Query of the upgrade request. */
  get query(): QueryValues {
    return this.context.query;
  }

  /**
   * Sends one value, encoded by the endpoint's serializer; a `Buffer` or `Uint8Array` is sent as it is, as binary.
   *
   * The promise settles with `true` when the socket took the bytes, with `false` when the connection is closing or
   * closed or the message was dropped (`limits.overflow`). It is safe to ignore: a rejection is logged and never
   * becomes an unhandled one.
   *
   * It rejects with a {@link MessageEncodingError} when the serializer cannot encode the value; nothing is sent then.
   */
  send(value: unknown): Promise<boolean> {
    if (!this.#isSendable) return Outbox.notSent;
    let data: string | Uint8Array;
    try {
      data = this.encode(value);
    } catch (error) {
      logger.error(error);
      const rejected = Promise.reject<boolean>(error);
      rejected.catch(ignore);
      return rejected;
    }
    return this.dispatchAndTell(data);
  }

  /**
   * Sends a ping (RFC 6455 §5.5.2); the answer counts as a sign of life. Heartbeats are sent without asking. Does nothing
   * once either side began to close.
   */
  ping(): void {
    if (this.#isSendable) this.#outbox.transport.ping();
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2): what was sent before leaves first, later sends return `false`,
   * messages that arrive from now on are dropped. A second close does nothing.
   *
   * @param code 1000 (default), 1001–1003, 1007–1014, 3000–4999. The codes that never travel are put right: 1005
   * becomes 1000, 1006 and 1015 become 1011.
   * @param reason cut to 123 bytes of UTF-8, never inside a character.
   * @throws RangeError for any other code.
   */
  close(code: number = CloseCode.normal, reason = ''): void {
    this.closeAs({ code: toSendableCode(code), reason, initiator: 'server' });
  }

  /** When the peer's login ends, in milliseconds since the epoch; `undefined` for never. */
  get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  /**
   * Sets a new end of the peer's login, after it has shown fresh credentials; `undefined` for no end. At that time the
   * connection closes with 4401, however far away it is.
   * @throws TypeError for anything but a `Date`, a finite number of milliseconds since the epoch, or `undefined`.
   */
  reauthenticate(expiresAt: Date | number | undefined): void {
    this.#expiresAt = expiresAt === undefined ? undefined : toEpochMs(expiresAt);
    this.#expiry?.cancel();
    if (this.#expiresAt === undefined || this.#state === 'closed') return;
    this.#expiry ??= new Expiry(() =>
      this.closeAs({
        code: CloseCode.authenticationExpired,
        reason: 'authentication expired',
        initiator: 'limit',
      }),
    );
    this.#expiry.moveTo(this.#expiresAt);
  }

  /** Cuts the connection at once, without a closing handshake; the peer sees 1006. */
  terminate(): void {
    this.terminateAs('server');
  }

  /**
   * Adds a handler for this connection only. Handlers run in registration order, before the endpoint's own method, over
   * a snapshot: what is added or removed while they run counts from the next message on.
   *
   * `close` is another name for `finish`. A finish handler that is added after the end runs at once, asynchronously.
   *
   * @returns an idempotent function that takes this registration off again; handlers get it as their third argument.
   * @throws TypeError for an unknown event or a handler that is not a function.
   */
  on(event: 'message', handler: ConnectionMessageHandler): Unregister;
  /** Adds a handler for the end of this connection; see above. */
  on(event: 'finish' | 'close', handler: ConnectionFinishHandler): Unregister;
  on(event: string, handler: ConnectionMessageHandler | ConnectionFinishHandler): Unregister {
    if (event !== 'message' && event !== 'finish' && event !== 'close') {
      throw new TypeError(`Unknown event: ${String(event)}; a connection has message, finish and close (= finish).`);
    }
    if (typeof handler !== 'function') throw new TypeError(`The handler for event ${event} must be a function.`);
    if (event === 'message') {
      return (this.#messageHandlers ??= new HandlerList()).add(handler as ConnectionMessageHandler);
    }
    return this.#addFinishHandler(handler);
  }

  /** Channels this connection has joined, as a copy; `*` is not listed. Still readable in `@OnFinish`. */
  get channels(): ReadonlySet<string> {
    return new Set(this.#channels);
  }

  /**
   * Joins channels; joining twice is joining once. Does nothing when the connection is closed. All channels are left by
   * themselves at finish, before `@OnFinish`.
   * A name of the form of a connection id can be joined, to no effect: `to` takes it for that connection alone.
   * @throws TypeError for `*`, the empty string, or anything but a string.
   */
  join(...channels: readonly string[]): void {
    for (const channel of channels) assertChannel(channel);
    if (this.#state === 'closed') return;
    const joined = (this.#channels ??= new Set());
    for (const channel of channels) {
      if (joined.has(channel)) continue;
      joined.add(channel);
      this.#home.join(channel, this.#self);
    }
  }

  /** Leaves channels; leaving one it is not in does nothing. */
  leave(...channels: readonly string[]): void {
    for (const channel of channels) {
      if (this.#channels?.delete(channel) === true) this.#home.leave(channel, this.#self);
    }
  }

  /** Leaves every channel and joins these. */
  setChannels(...channels: readonly string[]): void {
    for (const channel of channels) assertChannel(channel);
    for (const channel of this.channels) if (!channels.includes(channel)) this.leave(channel);
    this.join(...channels);
  }

  /** Tells whether the connection is in any of these channels; every connection is in `*`. */
  inChannel(...channels: readonly string[]): boolean {
    return channels.some((channel) => channel === EVERYBODY || this.#channels?.has(channel) === true);
  }

  /**
   * Addresses the members of channels: `send` reaches all of them, `broadcast` all but this connection, each once. This
   * connection need not be a member. `*` is everybody; the id of a connection is that connection alone.
   */
  to(...channels: readonly string[]): Audience {
    return this.#home.audience(channels, this.#self);
  }

  /** Sends to every connection of this process but this one. */
  broadcast(value: unknown): Delivery {
    return this.to(EVERYBODY).broadcast(value);
  }

  /** @internal What encodes and decodes the messages of its endpoint. */
  get serializer(): Serializer {
    return this.#serializer;
  }

  /** @internal The port to the socket; `raw` is the socket itself. */
  get transport(): Transport {
    return this.#outbox.transport;
  }

  /** @internal How many messages were given to the socket; tells whether an error handler answered. */
  get sentCount(): number {
    return this.#sent;
  }

  /** @internal The decision of this side to close, if it was taken. */
  get closing(): ClosingDecision | undefined {
    return this.#closing;
  }

  /** @internal A snapshot. */
  get messageHandlers(): readonly Registration<ConnectionMessageHandler>[] | undefined {
    return this.#messageHandlers?.entries;
  }

  /** @internal A snapshot; a handler that is added from now on runs by itself. */
  takeFinishHandlers(): readonly Registration<ConnectionFinishHandler>[] {
    this.#finishTaken = true;
    return this.#finishHandlers?.entries ?? [];
  }

  /** @internal @throws MessageEncodingError */
  encode(value: unknown): string | Uint8Array {
    if (value instanceof Uint8Array) return value;
    try {
      return this.#serializer.encode(value);
    } catch (error) {
      throw new MessageEncodingError(error);
    }
  }

  /** @internal Sends encoded data without a promise: the way of replies. */
  dispatch(data: string | Uint8Array): boolean {
    if (!this.#isSendable || !this.#admit(data)) return false;
    this.#outbox.send(data);
    return true;
  }

  /** @internal As `dispatch`, with a promise that settles when the socket took it. */
  dispatchAndTell(data: string | Uint8Array): Promise<boolean> {
    if (!this.#isSendable || !this.#admit(data)) return Outbox.notSent;
    return this.#outbox.sendAndTell(data);
  }

  /** @internal Sends what many receive. */
  dispatchShared(message: SharedMessage): boolean {
    if (!this.#isSendable || !this.#admit(message.data)) return false;
    this.#outbox.sendShared(message);
    return true;
  }

  /**
   * Sends an event; what Nest's own `BaseWsExceptionFilter` calls on a client that is no bare socket. On an
   * endpoint whose serializer takes no objects it leaves as JSON text.
   *
   * @internal
   */
  emit(event: string, data: unknown): boolean {
    let encoded: string | Uint8Array;
    try {
      encoded = this.encode({ event, data });
    } catch {
      encoded = JSON.stringify({ event, data });
    }
    return this.dispatch(encoded);
  }

  /** @internal The first decision wins. */
  closeAs(decision: ClosingDecision): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#closing = { ...decision, reason: truncateCloseReason(decision.reason) };
    this.#state = 'closing';
    const { transport } = this.#outbox;
    transport.close(this.#closing.code, this.#closing.reason);
    // The peer's answer has to be read, also when the inbox was full.
    this.resumeReading();
  }

  /** @internal Cuts the connection and notes who did. */
  terminateAs(initiator: FinishInitiator, error?: unknown): void {
    if (this.#state === 'closed') return;
    this.#closing ??= { code: 1006, reason: '', initiator, error };
    this.#state = 'closing';
    this.#outbox.transport.terminate();
  }

  /** @internal Stops reading: too much waits for its handler. */
  pauseReading(): void {
    this.#readingPaused = true;
    this.transport.pause();
  }

  /** @internal */
  resumeReading(): void {
    if (!this.#readingPaused) return;
    this.#readingPaused = false;
    this.transport.resume();
  }

  /**
   * Counts one tick of the heartbeat; tells for how many nothing came. Any byte is a sign of life, and a connection that
   * is not read cannot give one.
   *
   * @internal
   */
  countSilence(): number {
    const { bytesRead } = this.transport;
    if (this.#readingPaused || bytesRead !== this.#bytesSeen) {
      this.#bytesSeen = bytesRead;
      this.#silentTicks = 0;
      return 0;
    }
    return ++this.#silentTicks;
  }

  /** @internal `@OnEstablish` has settled. */
  settleEstablish(): void {
    if (this.#state === 'establishing') this.#state = 'open';
  }

  /** @internal The peer began to close. */
  noteClosing(): void {
    if (this.#state !== 'closed') this.#state = 'closing';
  }

  /** @internal The socket is closed: out of every channel, the signal aborts. */
  settleFinish(end: FinishInfo): void {
    this.#state = 'closed';
    this.#end = end;
    if (this.#channels !== undefined) {
      for (const channel of this.#channels) this.#home.leave(channel, this.#self);
    }
    this.#expiry?.cancel();
    this.#outbox.release();
    this.#abort?.abort(end);
  }

  /** This connection as those see it who do not know the application's types. */
  get #self(): Connection {
    return this as unknown as Connection;
  }

  /** Neither side has begun to close. */
  get #isSendable(): boolean {
    return (this.#state === 'open' || this.#state === 'establishing') && this.#outbox.transport.isOpen;
  }

  #admit(data: string | Uint8Array): boolean {
    const admission = this.#outbox.accepts(data);
    if (admission === 'send') {
      this.#sent++;
      return true;
    }
    if (admission instanceof OutboxOverflowError) {
      this.closeAs({
        code: CloseCode.tryAgainLater,
        reason: 'too slow: outbox is full',
        initiator: 'limit',
        error: admission,
      });
    }
    return false;
  }

  #addFinishHandler(handler: ConnectionFinishHandler): Unregister {
    const unregister = (this.#finishHandlers ??= new HandlerList()).add(handler);
    const end = this.#end;
    if (end !== undefined && this.#finishTaken) {
      queueMicrotask(() => {
        try {
          void Promise.resolve(handler(this.#self, end, unregister)).catch((error: unknown) => logger.error(error));
        } catch (error) {
          logger.error(error);
        }
      });
    }
    return unregister;
  }
}

function assertChannel(channel: unknown): asserts channel is string {
  if (typeof channel !== 'string' || channel === '') throw new TypeError('A channel is a non-empty string.');
  if (channel === EVERYBODY) throw new TypeError("Every connection is in '*'; it cannot be joined or left.");
}

function ignore(): void {}
