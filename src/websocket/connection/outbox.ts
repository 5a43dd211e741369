import { OutboxOverflowError } from '../errors/plack-websocket.error.js';
import type { ByteBudget, ByteHolder } from './byte-budget.js';
import type { OutboxLimits } from './limits.options.js';
import type { SharedMessage, Transport } from './transport.js';

/** Result of {@link Outbox.accepts}: send it, leave this one out, or give the peer up. */
export type Admission = 'send' | 'drop' | OutboxOverflowError;

/** What waits to leave one connection: bounded in bytes, in order, and never a reason to wait for the caller. */
export class Outbox implements ByteHolder {
  #charged = false;

  constructor(
    readonly transport: Transport,
    private readonly limits: OutboxLimits,
    private readonly budget: ByteBudget | undefined,
  ) {}

  get bufferedBytes(): number {
    return this.transport.bufferedBytes;
  }

  get queuedBytes(): number {
    return this.transport.isOpen ? this.transport.bufferedBytes : 0;
  }

  /** Decides about one more message. A message that finds nothing waiting is always taken, however large. */
  accepts(data: string | Uint8Array): Admission {
    const waiting = this.transport.bufferedBytes;
    if (waiting === 0) {
      if (this.#charged) this.release();
      return 'send';
    }
    // A UTF-16 unit has at most three bytes, so most texts need no counting.
    const atMost = typeof data === 'string' ? data.length * 3 : data.length;
    if (waiting + atMost <= UNQUESTIONED_BYTES && waiting + atMost <= this.limits.maxBufferedBytes) return 'send';
    return this.#acceptCounted(typeof data === 'string' ? Buffer.byteLength(data) : data.length);
  }

  #acceptCounted(byteLength: number): Admission {
    let waiting = this.transport.bufferedBytes;
    if (waiting + byteLength > this.limits.maxBufferedBytes) {
      // What is only held back for the end of this tick is no sign of a slow peer: the system gets it first.
      this.transport.flush();
      waiting = this.transport.bufferedBytes;
      if (waiting === 0) return 'send';
    }
    const total = waiting + byteLength;
    const { maxBufferedBytes } = this.limits;
    if (total > maxBufferedBytes) return this.#refuse(total, 'maxBufferedBytes', maxBufferedBytes);
    if (this.budget === undefined || this.#reserve(this.budget, waiting, byteLength)) return 'send';
    return this.#refuse(total, 'maxTotalQueuedBytes', this.budget.maxBytes);
  }

  #refuse(total: number, limit: OutboxOverflowError['limit'], maxBytes: number): Admission {
    return this.limits.overflow === 'drop' ? 'drop' : new OutboxOverflowError(total, limit, maxBytes);
  }

  send(data: string | Uint8Array): void {
    this.transport.send(data);
  }

  sendShared(message: SharedMessage): void {
    this.transport.sendShared(message);
  }

  /** Sends and tells when the socket took the bytes: `true`, or `false` when the connection ended before. */
  sendAndTell(data: string | Uint8Array): Promise<boolean> {
    return new Promise<boolean>((resolve) => {
      // Node tells no error to the write that is under way when a socket is cut.
      this.transport.send(data, (error) => resolve((error === undefined || error === null) && !this.transport.isCut));
    });
  }

  /** The connection is over, or everything has left: nothing is held any more. */
  release(): void {
    this.#charged = false;
    this.budget?.report(this, 0);
  }

  /** Tells whether that many bytes more fit into what all connections may hold together. */
  #reserve(budget: ByteBudget, waiting: number, byteLength: number): boolean {
    this.#charged = true;
    budget.report(this, waiting);
    if (budget.refuses(byteLength)) return false;
    budget.report(this, waiting + byteLength);
    return true;
  }

  /** The answer to everything that is sent after the end. */
  static readonly notSent: Promise<boolean> = Promise.resolve(false);
}

/** Up to this much may wait for any connection for a moment without being counted against anything. */
const UNQUESTIONED_BYTES = 16_384;
