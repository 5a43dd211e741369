import { OutboxOverflowError } from '../errors/plack-websocket.error.js';
import type { ByteLedger } from '../limits/byte-ledger.js';
import type { OutboxLimits } from '../limits/limits.options.js';
import type { SharedMessage, TakenCallback, Transport } from './transport.js';

/** Result of {@link Outbox.accepts}: send it, leave this one out, or give the peer up. */
export type SendDecision = 'send' | 'drop' | OutboxOverflowError;

/** What waits to leave one connection: bounded in bytes, in order, and never a reason to wait for the caller. */
export class Outbox {
  /** A message that may wait although it is larger than the bound, because nothing waited before it. */
  #largeBytes = 0;

  constructor(
    readonly transport: Transport,
    private readonly limits: OutboxLimits,
    private readonly ledger: ByteLedger,
  ) {}

  get bufferedBytes(): number {
    return this.transport.bufferedBytes;
  }

  /** Decides about one more message. A message that finds nothing waiting is taken at any size. */
  accepts(data: string | Uint8Array): SendDecision {
    if (typeof data !== 'string') return this.acceptsBytes(data.length);
    // A UTF-16 unit has at most three bytes, so most texts need no counting.
    if (this.#isUnquestioned(data.length * 3)) return 'send';
    return this.acceptsBytes(Buffer.byteLength(data));
  }

  /** The same, of a message that is not at hand. */
  acceptsBytes(byteLength: number): SendDecision {
    if (this.#isUnquestioned(byteLength)) return 'send';
    const { maxBufferedBytes } = this.limits;
    let waiting = this.#held;
    if (waiting > 0 && waiting + byteLength > maxBufferedBytes) {
      // Bytes that are only held back for the end of this tick do not mean a slow peer: the system gets them first.
      this.transport.flush();
      waiting = this.#held;
    }
    if (waiting === 0) {
      this.#largeBytes = byteLength > maxBufferedBytes ? byteLength : 0;
    } else if (waiting + byteLength > maxBufferedBytes) {
      return this.#refuse(waiting + byteLength);
    }
    this.transport.count();
    this.ledger.makeRoom(byteLength);
    // It may have been this peer that had to go.
    return this.transport.isCut ? 'drop' : 'send';
  }

  /** The error of a peer for which more waits than may, also if it was sent past this. */
  get excess(): OutboxOverflowError | undefined {
    const waiting = this.#held;
    if (waiting === 0) this.#largeBytes = 0;
    const { maxBufferedBytes } = this.limits;
    if (waiting <= maxBufferedBytes + this.#largeBytes) return undefined;
    return new OutboxOverflowError(waiting, 'maxBufferedBytes', maxBufferedBytes);
  }

  #isUnquestioned(byteLength: number): boolean {
    const waiting = this.transport.bufferedBytes;
    const total = waiting + byteLength;
    return total <= this.limits.maxBufferedBytes && (waiting === 0 || total <= UNQUESTIONED_BYTES);
  }

  get #held(): number {
    return this.transport.bufferedBytes + this.transport.overheadBytes;
  }

  #refuse(total: number): SendDecision {
    if (this.limits.overflow === 'drop') return 'drop';
    return new OutboxOverflowError(total, 'maxBufferedBytes', this.limits.maxBufferedBytes);
  }

  send(data: string | Uint8Array): void {
    this.transport.send(data);
  }

  sendShared(message: SharedMessage): void {
    this.transport.sendShared(message);
  }

  /** Sends and tells when the socket took the bytes: `true`, or `false` when the connection ended before. */
  sendAndTell(data: string | Uint8Array): Promise<boolean> {
    return new Promise((resolve) => this.transport.send(data, takenBy(resolve, this.transport)));
  }

  /** The answer to everything that is sent after the end. */
  static readonly notSent: Promise<boolean> = Promise.resolve(false);
}

/** Up to this much may wait for any connection for a moment without being counted against anything. */
const UNQUESTIONED_BYTES = 16_384;

/** Made apart from the message: a closure beside it would hold the message for as long as it waits. */
function takenBy(resolve: (taken: boolean) => void, transport: Transport): TakenCallback {
  // Node tells no error to the write that is under way when a socket is cut.
  return (error) => resolve((error === undefined || error === null) && !transport.isCut);
}
