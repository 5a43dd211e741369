import type { Account } from '../limits/byte-ledger.js';
import type { LimitsOptions } from '../limits/limits.options.js';

type InboxLimits = Pick<LimitsOptions, 'maxPendingMessages' | 'maxPendingBytes'>;

/** What one waiting message costs beside its bytes: the entry, and the head of a string or Buffer. */
const BYTES_PER_ENTRY = 96;

/** One message that waits for its handler. */
export interface PendingMessage {
  readonly data: string | Buffer;
  readonly isBinary: boolean;
  readonly byteLength: number;
}

/**
 * Messages of one connection that wait for their handler, first in, first out. It is full past a number of messages or
 * of bytes; reading from the socket then pauses until it is half empty again.
 */
export class Inbox {
  #messages: (PendingMessage | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(
    private readonly limits: InboxLimits,
    private readonly account: Account,
  ) {}

  get length(): number {
    return this.#messages.length - this.#head;
  }

  /** Bytes that wait here, with what each message costs beside its own. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.length >= this.limits.maxPendingMessages || this.#bytes >= this.limits.maxPendingBytes;
  }

  /** All connections together hold too much, so that this one may have no more than it has. */
  get isFullWithOthers(): boolean {
    return this.length > 0 && this.account.ledger.areInboxesFull;
  }

  get isHalfEmpty(): boolean {
    return this.length <= this.limits.maxPendingMessages / 2 && this.#bytes <= this.limits.maxPendingBytes / 2;
  }

  /**
   * Takes one message as a transport delivers it. Text becomes a string and a small piece of a large read is copied, so that
   * what is charged is what is retained: a waiting message never keeps the 64 KiB it arrived in alive.
   */
  push(data: string | Buffer, isBinary: boolean): void {
    const kept = typeof data === 'string' ? data : isBinary ? detach(data) : data.toString('utf8');
    const byteLength = data.length + BYTES_PER_ENTRY;
    this.#messages.push({ data: kept, isBinary, byteLength });
    this.#bytes += byteLength;
    this.account.set('inbox', this.#bytes);
  }

  shift(): PendingMessage | undefined {
    const message = this.#messages[this.#head];
    if (message === undefined) return undefined;
    this.#messages[this.#head++] = undefined;
    this.#bytes -= message.byteLength;
    this.account.set('inbox', this.#bytes);
    if (this.#head === this.#messages.length) {
      this.#messages = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  clear(): void {
    this.#messages = [];
    this.#head = 0;
    this.#bytes = 0;
    this.account.set('inbox', 0);
  }
}

/** A copy of its own, not a piece of the pool of Buffers: that has 64 KiB as well from Node 24 on. */
function detach(data: Buffer): Buffer {
  if (data.buffer.byteLength <= data.length * 2) return data;
  const copy = Buffer.allocUnsafeSlow(data.length);
  copy.set(data);
  return copy;
}
