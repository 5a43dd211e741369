import type { IncomingHttpHeaders } from 'node:http';
import type { WebSocket } from 'ws';
import {
  callSite,
  NoMessageError,
  NotClosedError,
  NotOpenError,
  pointAt,
  UnexpectedMessageError,
  type CallSite,
} from './errors.js';
import { preview, ReceivedMessages, type ReceivedMessage } from './received-messages.js';
import { after, handled, type WaitOptions } from './wait.js';

/** How a connection ended, as the client saw it. */
export interface CloseInfo {
  /** Close code (RFC 6455 §7.4): 1005 if the close frame had none, 1006 if there was no close frame. */
  readonly code: number;
  /** Close reason; empty if none was given. */
  readonly reason: string;
  /** True if both sides sent a close frame (RFC 6455 §7.1.4). */
  readonly clean: boolean;
}

/**
 * Holds one WebSocket of a test and queues what arrives, so that a test reads like a conversation and needs no
 * listeners, sleeps or flags. Comes from `connect`, already open; everything received since the 101 is in the queue.
 *
 * A promise that is not awaited never becomes an unhandled rejection, and a protocol error never an unhandled `'error'`
 * event: it shows up in `closed()` and in the message of the next failure.
 *
 * ```ts
 * const client = await connect(app, '/ws/rooms/1');
 * client.send({ event: 'say', data: 'hello' });
 * expect(await client.nextJson()).toEqual({ event: 'said', data: 'hello' });
 * await client.close();
 * ```
 */
export class QueuedClient implements AsyncIterable<ReceivedMessage>, AsyncDisposable {
  readonly #path: string;
  readonly #timeoutMs: number;
  readonly #received = new ReceivedMessages();
  readonly #ended: Promise<CloseInfo>;
  #end: CloseInfo | undefined;
  #fault: Error | undefined;
  #headers: IncomingHttpHeaders = {};

  /** The `ws` socket itself, for what this class does not offer: `ping`, `pause`, `bufferedAmount`. */
  readonly raw: WebSocket;

  /** @internal Use `connect`. */
  constructor(raw: WebSocket, path: string, timeoutMs: number) {
    this.raw = raw;
    this.#path = path;
    this.#timeoutMs = timeoutMs;
    raw.on('error', (error) => (this.#fault = error));
    raw.once('upgrade', (response) => (this.#headers = response.headers));
    raw.on('message', (data, isBinary) => this.#received.add(data, isBinary));
    this.#ended = new Promise((resolve) => {
      raw.addEventListener('close', ({ code, reason, wasClean }) => {
        this.#end = { code, reason, clean: wasClean };
        this.#received.complete();
        resolve(this.#end);
      });
    });
  }

  /** The subprotocol that the server chose; empty if none. */
  get protocol(): string {
    return this.raw.protocol;
  }

  /** Header fields of the 101 answer, names in lower case; `set-cookie` is always a list. */
  get headers(): IncomingHttpHeaders {
    return this.#headers;
  }

  /** `closing` from the first close frame, sent or received, until the socket is gone. */
  get state(): 'open' | 'closing' | 'closed' {
    if (this.#end) return 'closed';
    return this.raw.readyState === this.raw.OPEN ? 'open' : 'closing';
  }

  /** Messages that have arrived and were not taken yet. */
  get pending(): number {
    return this.#received.pending;
  }

  /**
   * Takes the oldest message that was not taken yet, or waits for the next one. Several calls at once are served in the
   * order of the calls. Messages that arrived before the end can still be taken after it.
   *
   * @throws {@link NoMessageError} when the time is over, or at once when the connection is closed and nothing is left.
   * Its message prints the state and what did arrive.
   */
  next(wait: WaitOptions = {}): Promise<ReceivedMessage> {
    const site = callSite();
    const timeoutMs = wait.timeoutMs ?? this.#timeoutMs;
    return handled(
      this.#take(timeoutMs, site).then((message) => {
        if (message !== undefined) return message;
        throw pointAt(site, new NoMessageError(`No message on ${this.#path}: the connection is ${this.#situation()}`));
      }),
    );
  }

  /**
   * Like `next`, parsed as JSON; a binary message is read as UTF-8. `T` is your word for its shape; nothing
   * checks it.
   *
   * @throws {@link NoMessageError} as `next` does, and if the message that came is not JSON; the message is taken.
   */
  nextJson<T = unknown>(wait: WaitOptions = {}): Promise<T> {
    const site = callSite();
    return handled(
      this.next(wait).then((message): T => {
        try {
          return JSON.parse(message.toString()) as T;
        } catch {
          const text = `The message on ${this.#path} is not JSON: ${preview(message)}`;
          throw pointAt(site, new NoMessageError(text));
        }
      }),
    );
  }

  /**
   * Makes sure that the server has sent nothing that was not taken. Needs no waiting time: it asks twice for a pong, behind
   * which nothing can be that the server had sent before. What its handlers do later is not known yet, so let something of
   * theirs arrive first, such as the reply to another client.
   *
   * @throws {@link UnexpectedMessageError} with what has arrived; nothing is taken.
   * @throws {@link NoMessageError} when the pong does not come within `timeoutMs`.
   */
  expectNothing(wait: WaitOptions = {}): Promise<void> {
    const site = callSite();
    const timeoutMs = wait.timeoutMs ?? this.#timeoutMs;
    // Replies of one burst leave together, behind the pong that the burst asked for; the second pong is behind them.
    const asked = this.#pong(timeoutMs, site).then(() => this.#pong(timeoutMs, site));
    return handled(
      asked.then(() => {
        if (this.pending === 0) return;
        throw pointAt(site, new UnexpectedMessageError(`Nothing was expected on ${this.#path}: ${this.#situation()}`));
      }),
    );
  }

  /**
   * Yields message after message, those in the queue first, and ends when the connection has ended, with or without a close frame.
   * Leaving the loop early does not close the connection.
   *
   * @throws {@link NoMessageError} when the next message takes longer than the `timeoutMs` of `connect`.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedMessage, void, undefined> {
    const site = callSite();
    for (;;) {
      const message = await this.#take(this.#timeoutMs, site);
      if (message === undefined) return;
      yield message;
    }
  }

  /**
   * Sends one message: a string as text, bytes as binary, anything else as JSON text.
   *
   * @returns a promise that settles when the socket took the bytes. It rejects with {@link NotOpenError} after the end;
   * ignoring it is safe.
   * @throws TypeError at once if the value has no JSON form, such as `undefined`, a BigInt or a cycle.
   */
  send(value: unknown): Promise<void> {
    const data = encode(value);
    const site = callSite();
    return handled(
      new Promise((resolve, reject) => {
        this.raw.send(data, (error) => {
          if (!error) resolve();
          else
            reject(
              pointAt(site, new NotOpenError(`Nothing can be sent: the connection is ${this.#situation()}`, error)),
            );
        });
      }),
    );
  }

  /**
   * Waits until one of the sides has closed the connection, and tells how. Does not close it.
   *
   * @throws {@link NotClosedError} when the time is over.
   */
  closed(wait: WaitOptions = {}): Promise<CloseInfo> {
    const site = callSite();
    const timeoutMs = wait.timeoutMs ?? this.#timeoutMs;
    if (this.#end) return Promise.resolve(this.#end);
    return handled(
      new Promise((resolve, reject) => {
        const cancel = after(timeoutMs, () => {
          const text = `Not closed within ${timeoutMs} ms: ${this.#path} is ${this.#situation()}`;
          reject(pointAt(site, new NotClosedError(text)));
        });
        void this.#ended.then((end) => {
          cancel();
          resolve(end);
        });
      }),
    );
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2) and waits like `closed`. Without a code the close frame is
   * empty, as from a browser, and the server reads 1005. Does nothing if the connection is closed already.
   *
   * @throws TypeError at once if the code may not be sent: 1000–1003, 1007–1014 and 3000–4999 may.
   * @throws RangeError at once if the reason is longer than 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string): Promise<CloseInfo> {
    this.raw.close(code, reason);
    return this.closed();
  }

  /** Cuts the connection without a close frame, as a lost network does: the server reads 1006. */
  terminate(): Promise<CloseInfo> {
    this.raw.terminate();
    return this.closed();
  }

  /** Closes with 1000, for `await using`; cuts the connection if the server does not answer in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(1000).catch(() => this.terminate());
  }

  /** Waits for the answer to a ping, or for the end. */
  #pong(timeoutMs: number, site: CallSite): Promise<void> {
    if (this.state !== 'open') return this.#ended.then(() => undefined);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancel();
        this.raw.off('pong', settle);
        resolve();
      };
      const cancel = after(timeoutMs, () => {
        this.raw.off('pong', settle);
        reject(
          pointAt(site, new NoMessageError(`No pong within ${timeoutMs} ms: ${this.#path} is ${this.#situation()}`)),
        );
      });
      this.raw.on('pong', settle);
      void this.#ended.then(settle);
      this.raw.ping();
    });
  }

  #take(timeoutMs: number, site: CallSite): Promise<ReceivedMessage | undefined> {
    return this.#received.take(timeoutMs, () => {
      const text = `No message within ${timeoutMs} ms: ${this.#path} is ${this.#situation()}`;
      return pointAt(site, new NoMessageError(text));
    });
  }

  #situation(): string {
    const end = this.#end ? ` with ${this.#end.code}${this.#end.reason && ` ${JSON.stringify(this.#end.reason)}`}` : '';
    const fault = this.#fault ? ` after an error (${this.#fault.message})` : '';
    return `${this.state}${end}${fault}. ${this.#received.summary()}`;
  }
}

function encode(value: unknown): string | Uint8Array | ArrayBuffer {
  if (typeof value === 'string' || value instanceof Uint8Array || value instanceof ArrayBuffer) return value;
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`A ${typeof value} has no JSON form and cannot be sent.`);
  return text;
}
