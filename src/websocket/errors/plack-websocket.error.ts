/*
 * PlackWebSocketError
 * ├── ConfigurationError        at boot: an option, a decorator or a class is wrong
 * ├── UnsupportedDataError      a binary message where only text is read; closes 1003
 * ├── MessageDecodingError      a message the serializer cannot read
 * ├── MessageEncodingError      a value the serializer cannot write
 * ├── UnknownEventError         an event without a handler
 * ├── OutboxOverflowError       a peer that does not read; closes 1013
 * ├── UserChangedError          another user was set on a connection than the one it belongs to
 * ├── TooManyConnectionsError   a user was set on a connection who has too many of them
 * ├── TooManyChannelsError      more channels than a connection may be in
 * ├── TooManyMessagesError      a message beyond the rate of its sender
 * ├── HandlerTimeoutError       a message whose handling took longer than it may
 * ├── TooManyStreamsError       an answer that is one stream more than a connection may have
 * ├── ForeignOriginError        the page that asked for an upgrade may not; why, for the log and onError
 * ├── ForeignHostError          a client that asked for another host; why, for the log and onError
 * ├── MissingSubprotocolError   a client that speaks no subprotocol of ours; why, for the log and onError
 * └── UpgradeRefusedError       an upgrade that a fact of the request refuses
 */
import { describeError } from './describe-error.js';
import type { UpgradeErrorName } from './upgrade-error.js';
import { shareClass } from '../copies/shared-class.js';

/** Base of every error that this library creates; `code` is stable, the message is for people. */
export class PlackWebSocketError extends Error {
  constructor(
    /** Stable identifier of the kind of error; `docs/reference/errors.md` has all of them. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * A mistake in options, decorators or classes, found while the application starts. The message names what is wrong,
 * where, and the way out.
 */
export class ConfigurationError extends PlackWebSocketError {
  constructor(message: string, options?: ErrorOptions) {
    super('configuration', message, options);
  }
}

/** A serializer throws it to say that it takes text only; the connection closes with 1003 (RFC 6455 §7.4.1). */
export class UnsupportedDataError extends PlackWebSocketError {
  constructor(message = 'This endpoint takes text messages only.') {
    super('unsupported_data', message);
  }
}

/**
 * A message that the endpoint's serializer could not read, whose own error is the `cause`, or one that is not an event where
 * the endpoint has nothing but events.
 */
export class MessageDecodingError extends PlackWebSocketError {
  constructor(cause: unknown, message = 'The message could not be decoded.') {
    super('bad_message', message, { cause });
  }
}

/** A value that the endpoint's serializer could not write. The serializer's own error is the `cause`. */
export class MessageEncodingError extends PlackWebSocketError {
  constructor(cause: unknown) {
    super('encoding_failed', `The value could not be encoded: ${describeError(cause)}`, { cause });
  }
}

/** A message whose event no `@OnMessage('event')` method of the endpoint handles. The event's name is not repeated. */
export class UnknownEventError extends PlackWebSocketError {
  constructor(message = 'No handler for this event.') {
    super('unknown_event', message);
  }
}

/**
 * The peer does not read, and more would wait for it than `limits.maxBufferedBytes`; or all connections together hold more
 * than `limits.maxTotalQueuedBytes`, and this one the most. It is the `error` of the `FinishInfo`; the connection ends with 1013.
 */
export class OutboxOverflowError extends PlackWebSocketError {
  constructor(
    /** Bytes that would wait for this peer, the message and what writes cost included. */
    readonly bufferedBytes: number,
    /** Which limit refused the message. */
    readonly limit: 'maxBufferedBytes' | 'maxTotalQueuedBytes',
    /** What that limit is set to, in bytes. */
    readonly maxBytes: number,
  ) {
    super(
      'outbox_full',
      `${bufferedBytes} bytes would wait for a peer that does not read; limits.${limit} is ${maxBytes}.`,
    );
  }
}

/**
 * `connection.user` was set to another user than the first one. Its channels, its data and its place in limits belong to that
 * one, so it cannot change hands; `null` makes it anonymous, and then only the first one may come back.
 */
export class UserChangedError extends PlackWebSocketError {
  constructor() {
    super(
      'user_changed',
      'This connection belongs to another user already. Close it (connection.close(4403)), and let the client connect anew.',
    );
  }
}

/** `connection.user` was set to a user who has as many connections as `limits.maxConnectionsPerUser` allows. */
export class TooManyConnectionsError extends PlackWebSocketError {
  constructor() {
    super('too_many_connections', 'This user has too many connections.');
  }
}

/**
 * `join` or `setChannels` would put the connection into more channels than `limits.maxChannels` allows. None of the names was
 * joined and none was left. Where a handler lets it pass, the peer gets the error `too_many_channels` and stays.
 */
export class TooManyChannelsError extends PlackWebSocketError {
  constructor(
    /** What the limit is set to. */
    readonly maxChannels: number,
  ) {
    super('too_many_channels', `A connection may be in ${maxChannels} channels at one time (limits.maxChannels).`);
  }
}

/**
 * A message beyond `limits.rate`, where that answers: it is not handled. The peer gets the error with the time to wait, and
 * stays; on a raw endpoint, which has no form for errors, it is closed with 1008.
 */
export class TooManyMessagesError extends PlackWebSocketError {
  constructor(
    /** Milliseconds until the next message is taken. */
    readonly retryAfterMs: number,
  ) {
    super('too_many_messages', `Too many messages; the next one is taken in ${retryAfterMs} ms.`);
  }
}

/**
 * A handler answers with a stream, and as many as `limits.maxStreams` allows run on this connection. The stream is not begun. The
 * peer gets an error under the id of its message and stays; on a raw endpoint, which has no form for errors, it is closed with 1008.
 */
export class TooManyStreamsError extends PlackWebSocketError {
  constructor(
    /** What the limit is set to. */
    readonly maxStreams: number,
  ) {
    super('too_many_streams', 'Too many streams run on this connection.');
  }
}

/**
 * The handling of a message took longer than `limits.handlerTimeoutMs`. The peer gets an error under the id of its message and stays; on
 * a raw endpoint, which has no form for errors, it is closed with 1011. What the handler gives later is dropped.
 */
export class HandlerTimeoutError extends PlackWebSocketError {
  constructor(
    /** What the limit is set to, in milliseconds. */
    readonly handlerTimeoutMs: number,
  ) {
    super('handler_timeout', 'The message took too long to handle.');
  }
}

/** The `Origin` of an upgrade is not allowed: both sides of the comparison, as the `cause` of the refusal. Never sent to the peer. */
export class ForeignOriginError extends PlackWebSocketError {
  constructor(
    /** As the client sent it; `undefined` when it sent none. */
    readonly origin: string | undefined,
    /** What it was compared with: origins and patterns. Empty where a function decided. */
    readonly allowed: readonly (string | RegExp)[],
    message: string,
  ) {
    super('foreign_origin', message);
  }
}

/** The client asked for a host that is none of the option `hosts`. It is the `cause` of the refusal; never sent to the peer. */
export class ForeignHostError extends PlackWebSocketError {
  constructor(
    /** What the client asked for, as `trustProxy` sees it. */
    readonly host: string | undefined,
    /** The option. */
    readonly hosts: readonly string[],
    message: string,
  ) {
    super('foreign_host', message);
  }
}

/**
 * The client offers none of the subprotocols of which one is required, or which tell endpoints of one path apart. It is the
 * `cause` of the refusal; never sent to the peer.
 */
export class MissingSubprotocolError extends PlackWebSocketError {
  constructor(
    /** What the client offers. */
    readonly offered: readonly string[],
    /** What the endpoints of the path speak. */
    readonly spoken: readonly string[],
    message: string,
  ) {
    super('missing_subprotocol', message);
  }
}

/** An upgrade refused for a fact of the request. Its message is safe to show to the peer. */
export class UpgradeRefusedError extends PlackWebSocketError {
  constructor(
    /** Why, from the table of upgrade errors (`UPGRADE_ERRORS`). */
    readonly error: UpgradeErrorName,
    message: string = error,
    options?: ErrorOptions & { headers?: Readonly<Record<string, string>>; status?: number },
  ) {
    super('upgrade_refused', message, options);
    this.headers = options?.headers ?? {};
    this.status = options?.status;
  }

  /** HTTP status where it differs from the one in the table, such as 429 for one address. */
  readonly status: number | undefined;

  /** Headers that belong to this refusal, such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;
}

for (const [name, type] of Object.entries({
  PlackWebSocketError,
  ConfigurationError,
  UnsupportedDataError,
  MessageDecodingError,
  MessageEncodingError,
  UnknownEventError,
  OutboxOverflowError,
  UserChangedError,
  TooManyConnectionsError,
  TooManyChannelsError,
  TooManyMessagesError,
  HandlerTimeoutError,
  TooManyStreamsError,
  ForeignOriginError,
  ForeignHostError,
  MissingSubprotocolError,
  UpgradeRefusedError,
})) {
  shareClass(type, name);
}
