/*
 * TestClientError
 * ├── HandshakeRefusedError   the server answered the upgrade with something else than 101
 * ├── ConnectFailedError      no HTTP answer at all, or one that breaks the protocol
 * ├── NoMessageError          nothing came in time, or the connection closed first
 * ├── UnexpectedMessageError  a message has arrived where none was expected
 * ├── NotClosedError          the connection was still open when the time was over
 * └── NotOpenError            something was sent after the end
 */
import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';

const MAX_PRINTED_BODY = 500;

/** Base of every error of the test client; `code` is stable, the message is for people. */
export class TestClientError extends Error {
  constructor(
    /** Stable identifier of the kind of error. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * Carries the HTTP answer of a server that refused the handshake: any status but 101 (RFC 6455 §4.1). A redirect is a
 * refusal too; it is not followed.
 *
 * ```ts
 * await expect(connect(app, '/ws/rooms/1')).rejects.toMatchObject({ status: 401 });
 * ```
 */
export class HandshakeRefusedError extends TestClientError {
  constructor(
    path: string,
    /** HTTP status of the answer. */
    readonly status: number,
    /** Header fields of the answer, names in lower case. */
    readonly headers: IncomingHttpHeaders,
    /** Body of the answer as text; empty if there was none. */
    readonly body: string,
  ) {
    const answer = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
    const text = body.length > MAX_PRINTED_BODY ? `${body.slice(0, MAX_PRINTED_BODY)}…` : body || '(no body)';
    super('handshake_refused', `The handshake of ${path} was refused with ${answer}: ${text}`);
  }

  /**
   * Parses the body as JSON. `T` is your word for its shape; nothing checks it.
   *
   * @throws SyntaxError if the body is not JSON.
   */
  json<T = unknown>(): T {
    return JSON.parse(this.body) as T;
  }
}

/**
 * Says that no usable answer came: connection refused or reset, a time-out, an answer that is not HTTP, or a 101 that
 * breaks RFC 6455 §4.1. What Node or `ws` reported is the `cause`.
 */
export class ConnectFailedError extends TestClientError {
  constructor(path: string, cause: Error) {
    super('connect_failed', `No WebSocket on ${path}: ${cause.message}`, { cause });
  }
}

/** Says that no message came in time, or that none can come any more; its message prints what did arrive. */
export class NoMessageError extends TestClientError {
  constructor(message: string) {
    super('no_message', message);
  }
}

/** Says that a message has arrived where none was expected; its message prints what did arrive. */
export class UnexpectedMessageError extends TestClientError {
  constructor(message: string) {
    super('unexpected_message', message);
  }
}

/** Says that the connection was still open when the time was over; its message prints what did arrive. */
export class NotClosedError extends TestClientError {
  constructor(message: string) {
    super('not_closed', message);
  }
}

/** Says that a message was sent on a connection that is closing or closed. */
export class NotOpenError extends TestClientError {
  constructor(message: string, cause: Error) {
    super('not_open', message, { cause });
  }
}

/** The lines of a stack trace below a call: the place in the test, not the place where the client noticed. */
export interface CallSite {
  readonly frames: string;
}

/** Remembers who called the function that asks for it, for an error that is found later in an event. */
export function callSite(): CallSite {
  const site = { stack: '' };
  Error.captureStackTrace(site, callSite);
  const [, , ...frames] = site.stack.split('\n');
  return { frames: frames.join('\n') };
}

/** Lets an error point at the line of the test that waited for it. */
export function pointAt<E extends Error>(site: CallSite, error: E): E {
  error.stack = `${error.name}: ${error.message}\n${site.frames}`;
  return error;
}
