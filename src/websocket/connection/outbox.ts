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
  accepts(byteLength: number): Admission {
    const waiting = this.transport.bufferedBytes;
    if (waiting === 0) {
      if (this.#charged) this.release();
      return 'send';
    }
    const total = waiting + byteLength;
    if (total <= this.limits.maxBufferedBytes && !this.#exceedsBudget(total)) return 'send';
    if (this.limits.overflow === 'drop') return 'drop';
    return new OutboxOverflowError(total, this.limits.maxBufferedBytes);
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
      this.transport.send(data, (error) => resolve(error === undefined || error === null));
    });
  }

  /** The connection is over, or everything has left: nothing is held any more. */
  release(): void {
    this.#charged = false;
    this.budget?.report(this, 0);
  }

  /** Only what really waits counts; a burst that leaves in this tick is not yet a slow peer. */
  #exceedsBudget(total: number): boolean {
    if (this.budget === undefined || total < CHARGED_FROM_BYTES) return false;
    this.#charged = true;
    this.budget.report(this, total);
    return this.budget.refuses(0);
  }

  /** The answer to everything that is sent after the end. */
  static readonly notSent: Promise<boolean> = Promise.resolve(false);
}

/** Less than this per connection is what any socket may hold for a moment. */
const CHARGED_FROM_BYTES = 16_384;
