import type { Account, SharedMemory } from '../../limits/byte-ledger.js';

/** What a write that waits costs beside its bytes: the entries of Node's queue and of this one, and the heads of buffers. */
const BYTES_PER_WRITE = 512;

/** What a promise that waits for its write costs. */
const BYTES_PER_CALLBACK = 384;

interface WaitingWrite {
  readonly memory: SharedMemory | undefined;
  readonly byteLength: number;
  readonly overheadBytes: number;
}

/** The writes that a socket has taken into its queue and not given to the system, first in, first out. */
export class WaitingWrites {
  #writes: WaitingWrite[] = [];
  /** Of the first ones; they are taken out together. */
  #gone = 0;
  #overheadBytes = 0;
  #sharedBytes = 0;
  /** The first one was written before anything waited, so nothing tells when it has left: the next one does. */
  #hasSilentHead = true;

  constructor(private readonly account: Account) {}

  get overheadBytes(): number {
    return this.#overheadBytes;
  }

  /** Bytes in memory that others hold as well; the account has them already. */
  get sharedBytes(): number {
    return this.#sharedBytes;
  }

  /** One more write waits. */
  add(byteLength: number, memory: SharedMemory | undefined, callbacks: number): void {
    const overheadBytes = BYTES_PER_WRITE + callbacks * BYTES_PER_CALLBACK;
    this.#writes.push({ memory, byteLength, overheadBytes });
    this.#overheadBytes += overheadBytes;
    if (memory === undefined) return;
    this.#sharedBytes += byteLength;
    this.account.hold(memory);
  }

  /** The system has one more, and with it the one that does not tell. */
  shift(): void {
    if (this.#hasSilentHead) this.#drop();
    this.#hasSilentHead = false;
    this.#drop();
  }

  #drop(): void {
    const write = this.#writes[this.#gone];
    if (write === undefined) return;
    this.#gone++;
    if (this.#gone * 2 > this.#writes.length) {
      this.#writes = this.#writes.slice(this.#gone);
      this.#gone = 0;
    }
    this.#overheadBytes -= write.overheadBytes;
    if (write.memory === undefined) return;
    this.#sharedBytes -= write.byteLength;
    this.account.release(write.memory);
  }

  /** Nothing waits any more. */
  clear(): void {
    while (this.#writes.length > this.#gone) this.#drop();
  }
}
