/*
 * PlackWebSocketError
 * ├── ConfigurationError        at boot: an option, a decorator or a class is wrong
 * ├── UnsupportedDataError      a binary message where only text is read; closes 1003
 * ├── MessageDecodingError      a message the serializer cannot read
 * ├── MessageEncodingError      a value the serializer cannot write
 * ├── UnknownEventError         an event nobody handles
 * ├── OutboxOverflowError       a peer that does not read; closes 1013
 * └── UpgradeRefusedError       an upgrade that a fact of the request refuses
 */
import { describe } from './describe-error.js';
import type { UpgradeErrorName } from './upgrade-error.js';

/** Base of every error that this library creates; `code` is stable, the message is for people. */
export class PlackWebSocketError extends Error {
  constructor(
    /** Stable identifier of the kind of error; the README has all of them under "Errors as classes". */
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

/** A message that the endpoint's serializer could not read. The serializer's own error is the `cause`. */
export class MessageDecodingError extends PlackWebSocketError {
  constructor(cause: unknown) {
    super('bad_message', 'The message could not be decoded.', { cause });
  }
}

/** A value that the endpoint's serializer could not write. The serializer's own error is the `cause`. */
export class MessageEncodingError extends PlackWebSocketError {
  constructor(cause: unknown) {
    super('encoding_failed', `The value could not be encoded: ${describe(cause)}`, { cause });
  }
}

/** A message whose event no `@OnMessage('event')` method of the endpoint handles. The event's name is not repeated. */
export class UnknownEventError extends PlackWebSocketError {
  constructor(message = 'No handler for this event.') {
    super('unknown_event', message);
  }
}

/**
 * The peer does not read, and one message more would pass `limits.maxBufferedBytes`, or `limits.maxTotalQueuedBytes` of
 * all connections together. It is the `error` of the `FinishInfo`; the connection closes with 1013.
 */
export class OutboxOverflowError extends PlackWebSocketError {
  constructor(
    /** Bytes that would wait for this peer, the message included. */
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
