import type { IncomingHttpHeaders } from 'node:http';
import type { Type } from '@nestjs/common';
import type { ApplicationUser } from '../request/application-types.js';
import type { QueryValues, RequestContext } from '../request/request-context.js';
import type { Audience } from './audience.js';
import { EVERYBODY, type ChannelNames } from './channel-name.js';
import type { Delivery } from './delivery.js';
import type { FinishInfo } from './finish-info.js';
import type { Unregister } from './handler-list.js';
import { shareClass } from '../copies/shared-class.js';

/** `establishing` until `@OnEstablish` settled, `closing` once either side began to close, `closed` when it is over. */
export type ConnectionState = 'establishing' | 'open' | 'closing' | 'closed';

/**
 * Handles one message of one connection. A throw or a rejection goes to `@OnError`, then to the default answer; exception
 * filters are not asked. The other handlers still run. A returned promise is awaited before the next message.
 */
export type ConnectionMessageHandler<TMessage = unknown> = (
  connection: Connection,
  message: TMessage,
  unregister: Unregister,
) => unknown;

/**
 * Handles the end of one connection. A throw or a rejection is told to `@OnError` and logged; the other handlers still
 * run. A returned promise is awaited, also by a shutdown.
 */
export type ConnectionFinishHandler = (connection: Connection, end: FinishInfo, unregister: Unregister) => unknown;

/**
 * One open WebSocket and its state. It lives from the 101 to the end of the finish handlers, with or without a
 * reference to it in the application.
 *
 * `TUser` types `user` (declare it once in {@link ApplicationTypes}), `TData` types `data`; both are the application's. The library makes connections; tests make
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
export abstract class Connection<TUser = ApplicationUser, TData extends object = Record<string, unknown>> {
  /** Unguessable identifier, unique over all processes; never used again. */
  abstract get id(): string;

  /** The `@WsEndpoint` class that serves this connection. */
  abstract get endpoint(): Type;

  /** The upgrade request, for the life of the connection. */
  abstract get context(): RequestContext<TUser>;

  /**
   * What guards, passport or the handshake hook put on the request as `user`. It may be set, for logins that come in a message.
   *
   * The first user counts, told apart by the option `userId`: the same one may get a new value, such as fresh roles; `null` or
   * `undefined` makes the connection anonymous, and after that only the same user may come back. What is set counts in
   * `limits.maxConnectionsPerUser` and for `registry.toUser` from now on. Setting it throws, and then nothing has changed: a
   * `UserChangedError` for another user (close the connection instead), a `TooManyConnectionsError` when the user has too many
   * connections and newer ones do not replace older ones, a `ConfigurationError` for one that cannot be compared with the one
   * before, or where a limit needs its id, and what `userId` throws.
   */
  get user(): TUser {
    return this.context.user;
  }

  set user(user: TUser) {
    this.context.user = user;
  }

  /** The application's own data about this connection; starts as an empty object. */
  abstract get data(): TData;
  abstract set data(data: TData);

  /** Subprotocol in use, empty when none was agreed on. */
  get protocol(): string {
    return this.context.protocol;
  }

  /** Where the connection is in its life; `closing` from the decision to close on, of this side, the peer or the network. */
  abstract get state(): ConnectionState;

  /** Bytes accepted for sending that the operating system has not taken yet. */
  abstract get bufferedBytes(): number;

  /** Aborts when the connection is over, with its {@link FinishInfo} as the reason. */
  abstract get signal(): AbortSignal;

  /**
   * The `ws` socket. Sending through it goes past the serializer and the promises of `send`; what waits is bounded all the same
   * (`limits.maxBufferedBytes`): the callback of a message that was not taken gets an error. A listener for
   * `'message'` misses what came before it: for code that reads messages from it there is `handOver`.
   */
  abstract get raw(): unknown;

  /**
   * Gives the `ws` socket to code that takes one, such as a library with a protocol of its own. The messages are for its
   * listeners from now on: those that wait and those that come, in order, as `ws` gives them. They wait for the first listener
   * for `'message'`, within `limits.maxPendingMessages` and `maxPendingBytes`; methods with `@OnMessage` and handlers of
   * `on('message')` get none any more. A listener that was there before has heard what came since.
   *
   * Everything else stays: limits, heartbeat, drain, `@OnFinish`, `send`. A listener that throws or rejects ends this connection
   * with 1011, with a line in the log. Calling it again gives the same socket.
   *
   * @example
   * ```ts
   * setupWSConnection(connection.handOver() as WebSocket, connection.context.raw, { docName: name });
   * ```
   */
  abstract handOver(): unknown;

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
   * Sends one value, encoded by the endpoint's serializer. Bytes are sent as they are in memory, as binary: a `Buffer` or
   * any other view, an `ArrayBuffer`. They may be written over as soon as this has returned.
   *
   * The promise settles with `true` when the socket took the bytes, with `false` when the connection is closing or
   * closed or the message was dropped (`limits.overflow`). It is safe to ignore: a rejection is logged and never
   * becomes an unhandled one.
   *
   * It rejects with a {@link MessageEncodingError} when the serializer cannot encode the value; nothing is sent then.
   */
  abstract send(value: unknown): Promise<boolean>;

  /**
   * Sends an event with its data, in the envelope of the endpoint's serializer: `{ event, data }` as JSON. A text with a second
   * argument is always an event and its data. Settles as `send(value)` does; rejects on an endpoint with the raw serializer.
   */
  abstract send(event: string, data: unknown): Promise<boolean>;

  /**
   * Sends a ping (RFC 6455 §5.5.2), and tells how long the answer took, in milliseconds; `undefined` when the connection ends
   * before, or has begun to close already: then none is sent. It never rejects and has no time limit of its own, since the
   * heartbeat cuts a peer that gives no sign of life. Heartbeats are sent without asking.
   */
  abstract ping(): Promise<number | undefined>;

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2): what was sent before leaves first, later sends return `false`,
   * messages that arrive from now on, or wait, are dropped. A second close does nothing. In a handler the close frame leaves
   * at the end of the turn of the event loop, so what the handler returns within it goes first; elsewhere it leaves at once.
   * When the peer does not answer within `closeTimeoutMs`, the socket is destroyed.
   *
   * @param code 1000 (default), 1001–1003, 1007–1014, 3000–4999. The codes that never travel are put right: 1005
   * becomes 1000, 1006 and 1015 become 1011.
   * @param reason cut to 123 bytes of UTF-8, never inside a character.
   * @throws RangeError for any other code, TypeError for a reason that is not a string; then nothing has happened.
   */
  abstract close(code?: number, reason?: string): void;

  /**
   * Runs something when the reply to the message that is being handled has been handed to the socket, and before the next
   * message is handled: for what must follow the answer, such as commands that have waited for it. It belongs in a handler of
   * a message, before or after an `await`; with `concurrency` above 1, and in gateways, before the first one.
   *
   * Several callbacks run in the order of their calls, in the async context of their call, and a promise is awaited. They run
   * after an error reply too, where there is not a reply, and where the connection has ended by then; where the handler answers
   * with a stream, once it has begun. What one throws or rejects with is logged, the others still run, and the connection
   * stays: the peer has its answer already.
   * @throws ConfigurationError outside of a handler of a message, TypeError for what is not a function.
   */
  abstract afterReply(callback: () => unknown): void;

  /** When the peer's login ends, in milliseconds since the epoch; `undefined` for never. */
  abstract get expiresAt(): number | undefined;

  /**
   * Sets a new end of the peer's login, after it has shown fresh credentials; `undefined` for no end. At that time of the
   * wall clock the connection closes with 4401, also when that is years away; after a sleep of the machine, at the next tick of
   * the heartbeat.
   * @throws TypeError for anything but a `Date`, a finite number of milliseconds since the epoch, or `undefined`.
   */
  abstract reauthenticate(expiresAt: Date | number | undefined): void;

  /** Cuts the connection at once, without a closing handshake; the peer sees 1006. */
  abstract terminate(): void;

  /**
   * Adds a handler for this connection only. Handlers run in registration order, before the endpoint's own method, over
   * a snapshot: what is added or removed while they run counts from the next message on.
   *
   * A promise of a message handler is awaited before the next message: one that settles late, such as a subscription, keeps
   * the connection from being heard. Start such work with `void`, and end it with `signal`.
   *
   * `TMessage` is what the serializer gives, which nothing checks here: `connection.on('message', (connection, text: string) => …)`
   * on a raw endpoint without binary messages.
   *
   * `close` is another name for `finish`. A finish handler that is added after the end runs at once, asynchronously.
   *
   * @returns an idempotent function that takes this registration off again; handlers get it as their third argument.
   * @throws TypeError for an unknown event or a handler that is not a function.
   */
  abstract on<TMessage = unknown>(event: 'message', handler: ConnectionMessageHandler<TMessage>): Unregister;

  /** Adds a handler for the end of this connection; see above. */
  abstract on(event: 'finish' | 'close', handler: ConnectionFinishHandler): Unregister;

  /** Channels this connection has joined, as a copy; `*` is not listed. Still readable in `@OnFinish`. */
  abstract get channels(): ReadonlySet<string>;

  /**
   * Joins channels; joining twice is joining once. Does nothing once the connection began to close: from then on it is in no
   * audience, while `channels` still names those it was in. One channel has one name in the whole application: put a prefix
   * before what a client chooses (`room:${name}`), and send to users with `registry.toUser`.
   * @throws TypeError for `*`, the empty string, the form of a connection's id, a string with half of a surrogate pair, and
   * anything but strings and lists of them; then none is joined.
   * @throws TooManyChannelsError if it would be in more than `limits.maxChannels`; then none is joined.
   */
  abstract join(...channels: readonly ChannelNames[]): void;

  /** Leaves channels; leaving one it is not in does nothing, and neither does leaving any once it began to close. */
  abstract leave(...channels: readonly ChannelNames[]): void;

  /**
   * Leaves every channel but these and joins these. Does nothing once the connection began to close.
   * @throws TypeError and TooManyChannelsError as `join` does; then nothing is changed.
   */
  abstract setChannels(...channels: readonly ChannelNames[]): void;

  /** Tells whether the connection has joined any of these channels: of `*` and of its own id it has not. */
  abstract inChannel(...channels: readonly ChannelNames[]): boolean;

  /**
   * Addresses the members of channels: `send` reaches all of them, `broadcast` all but this connection, each once. This
   * connection need not be a member. `*` means all connections; the id of a connection means that connection alone.
   * @throws TypeError for anything but strings and lists of them.
   */
  abstract to<TConnection extends Connection<unknown, object> = Connection>(
    ...channels: readonly ChannelNames[]
  ): Audience<TConnection>;

  /** Sends to every connection of this process but this one. */
  broadcast(value: unknown): Delivery;
  /** Sends an event with its data to every connection of this process but this one. */
  broadcast(event: string, data: unknown): Delivery;
  broadcast(...message: [value: unknown]): Delivery {
    return this.to(EVERYBODY).broadcast(...message);
  }
}

shareClass(Connection, 'Connection');
