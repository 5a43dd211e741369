import type { IncomingHttpHeaders } from 'node:http';
// Taken at import, so that a test with fake timers still gets its time-out.
import { clearTimeout, setTimeout } from 'node:timers';
import type { RawData, WebSocket } from 'ws';
import { callSite, NoMessageError, NotClosedError, NotOpenError, pointAt, type CallSite } from './errors.js';

/** A message as it came: text as a string, binary as a `Buffer`. */
export type ReceivedMessage = string | Buffer;

/** How a connection ended, as the client saw it. */
export interface CloseInfo {
  /** Close code (RFC 6455 §7.4): 1005 if the close frame had none, 1006 if there was no close frame. */
  readonly code: number;
  /** Close reason; empty if none was given. */
  readonly reason: string;
  /** True if both sides sent a close frame (RFC 6455 §7.1.4). */
  readonly clean: boolean;
}

/** How long a call waits. */
export interface WaitOptions {
  /**
   * Milliseconds until the wait fails. Default: the `timeoutMs` of `connect`, 2000. `0` does not wait: only what is
   * already there counts. `Infinity` leaves the limit to the test runner.
   */
  readonly timeoutMs?: number;
}

/**
 * Holds one WebSocket of a test and queues what arrives, so that a test reads like a conversation and needs no
 * listeners, sleeps or flags. Comes from `connect`, already open; everything received since the 101 is in the queue.
 *
 * A promise that nobody awaits never becomes an unhandled rejection, and a protocol error never an unhandled `'error'`
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
  readonly #queue: ReceivedMessage[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #recent: string[] = [];
  readonly #ended: Promise<CloseInfo>;
  #end: CloseInfo | undefined;
  #fault: Error | undefined;
  #received = 0;
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
    raw.on('message', (data, isBinary) => this.#arrive(toMessage(data, isBinary)));
    this.#ended = new Promise((resolve) => {
      raw.addEventListener('close', ({ code, reason, wasClean }) => {
        this.#end = { code, reason, clean: wasClean };
        for (const waiter of this.#waiting.splice(0)) waiter.settle(undefined);
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
    return this.#queue.length;
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
   * Yields message after message, those in the queue first, and ends when the connection is closed, however it closed.
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
   * Waits until the connection is closed, by whichever side, and tells how. Does not close it.
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

  #arrive(message: ReceivedMessage): void {
    this.#received += 1;
    this.#recent.push(preview(message));
    if (this.#recent.length > MAX_PRINTED) this.#recent.shift();
    const waiter = this.#waiting.shift();
    if (waiter) waiter.settle(message);
    else this.#queue.push(message);
  }

  /** The next message, or `undefined` once the connection is over and the queue is empty. */
  #take(timeoutMs: number, site: CallSite): Promise<ReceivedMessage | undefined> {
    const message = this.#queue.shift();
    if (message !== undefined || this.#end) return Promise.resolve(message);
    return new Promise((resolve, reject) => {
      const cancel = after(timeoutMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        const text = `No message within ${timeoutMs} ms: ${this.#path} is ${this.#situation()}`;
        reject(pointAt(site, new NoMessageError(text)));
      });
      const waiter: Waiter = {
        settle: (arrived) => {
          cancel();
          resolve(arrived);
        },
      };
      this.#waiting.push(waiter);
    });
  }

  #situation(): string {
    const end = this.#end ? ` with ${this.#end.code}${this.#end.reason && ` ${JSON.stringify(this.#end.reason)}`}` : '';
    const fault = this.#fault ? ` after an error (${this.#fault.message})` : '';
    return `${this.state}${end}${fault}. ${this.#arrived()}`;
  }

  #arrived(): string {
    if (this.#received === 0) return 'Nothing has arrived.';
    const older = this.#received > this.#recent.length ? `last ${this.#recent.length}: ` : '';
    return `${this.#received} arrived, ${this.pending} not taken; ${older}${this.#recent.join(', ')}`;
  }
}

interface Waiter {
  settle(message: ReceivedMessage | undefined): void;
}

const MAX_PRINTED = 10;
const MAX_PRINTED_CHARACTERS = 200;
const MAX_PRINTED_BYTES = 32;
const MAX_TIMER_MS = 2 ** 31 - 1;

function toMessage(data: RawData, isBinary: boolean): ReceivedMessage {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
  return isBinary ? bytes : bytes.toString('utf8');
}

function encode(value: unknown): string | Uint8Array | ArrayBuffer {
  if (typeof value === 'string' || value instanceof Uint8Array || value instanceof ArrayBuffer) return value;
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`A ${typeof value} has no JSON form and cannot be sent.`);
  return text;
}

function preview(message: ReceivedMessage): string {
  if (typeof message === 'string') {
    const cut = message.length > MAX_PRINTED_CHARACTERS;
    return JSON.stringify(message.slice(0, MAX_PRINTED_CHARACTERS)) + (cut ? `… (${message.length} characters)` : '');
  }
  const cut = message.length > MAX_PRINTED_BYTES;
  return `<${message.length} bytes ${message.toString('hex', 0, MAX_PRINTED_BYTES)}${cut ? '…' : ''}>`;
}

/** Runs `expire` after a time; a time that no timer can count never ends. */
function after(timeoutMs: number, expire: () => void): () => void {
  if (timeoutMs > MAX_TIMER_MS) return () => undefined;
  const timer = setTimeout(expire, timeoutMs);
  return () => clearTimeout(timer);
}

/** Keeps a rejection that nobody awaits from ending the test process; whoever awaits it still gets it. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
