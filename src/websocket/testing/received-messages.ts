import type { RawData } from 'ws';
import { after } from './wait.js';

/** A message as it came: text as a string, binary as a `Buffer`. */
export type ReceivedMessage = string | Buffer;

/** Keeps what arrived until the test takes it, and lets calls that are too early wait, first come, first served. */
export class ReceivedMessages {
  readonly #queue: ReceivedMessage[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #recent: string[] = [];
  #received = 0;
  #isComplete = false;

  /** Messages that were not taken yet. */
  get pending(): number {
    return this.#queue.length;
  }

  add(data: RawData, isBinary: boolean): void {
    const message = toMessage(data, isBinary);
    this.#received += 1;
    this.#recent.push(preview(message));
    if (this.#recent.length > MAX_PRINTED) this.#recent.shift();
    const waiter = this.#waiting.shift();
    if (waiter) waiter.settle(message);
    else this.#queue.push(message);
  }

  /** Says that nothing more will come: the calls that wait end without a message. */
  complete(): void {
    this.#isComplete = true;
    for (const waiter of this.#waiting.splice(0)) waiter.settle(undefined);
  }

  /**
   * Takes the next message, or `undefined` when the last one was taken.
   *
   * @param expired makes the error that the call rejects with when the time is over.
   */
  take(timeoutMs: number, expired: () => Error): Promise<ReceivedMessage | undefined> {
    const message = this.#queue.shift();
    if (message !== undefined || this.#isComplete) return Promise.resolve(message);
    return new Promise((resolve, reject) => {
      const cancel = after(timeoutMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(expired());
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

  /** What came so far, in the words of a failure. */
  summary(): string {
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

function toMessage(data: RawData, isBinary: boolean): ReceivedMessage {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
  return isBinary ? bytes : bytes.toString('utf8');
}

/** The beginning of a message, for the text of a failure. */
export function preview(message: ReceivedMessage): string {
  if (typeof message === 'string') {
    const cut = message.length > MAX_PRINTED_CHARACTERS;
    return JSON.stringify(message.slice(0, MAX_PRINTED_CHARACTERS)) + (cut ? `… (${message.length} characters)` : '');
  }
  const cut = message.length > MAX_PRINTED_BYTES;
  return `<${message.length} bytes ${message.toString('hex', 0, MAX_PRINTED_BYTES)}${cut ? '…' : ''}>`;
}
