/** What waits for one connection: messages to it, messages of it, and the message of it that is not complete. */
export type WaitingKind = 'outbox' | 'inbox' | 'unfinished';

/** Memory that several connections wait with, such as a frame of a broadcast: it is counted once. */
export interface SharedMemory {
  /** Does not change any more once it is held. */
  byteLength: number;
  /** Connections that hold it. */
  holders: number;
}

/** A connection as far as the ledger knows it. */
export interface AccountOwner {
  /** Offers to the system what is held back, and sets the account to what waits then. */
  settle(): void;
  /** All connections together hold too much, and its queue of this kind is the largest: it has to end at once. */
  giveUp(kind: 'outbox' | 'unfinished', ledger: ByteLedger): void;
}

/** The part of the bound that a kind may have in any case. Together they are the whole. */
const SHARES = { outbox: 0.25, inbox: 0.5, unfinished: 0.25 } as const;

/** Once the bound is passed, so much of it is made free: the next search for the largest is a while away. */
const FREED_SHARE = 1 / 16;

/** All accounts are settled again when the total has grown by so much of the bound. */
const SETTLED_SHARE = 1 / 64;

/**
 * The bytes that wait in all connections together, kept as a running sum, and the bound for them. Accounts are told of every
 * change that costs memory; sockets drain without a word, so before a connection ends for it, all are settled.
 *
 * Each kind of excess is paid by its own kind: of the outboxes the largest ends, and of the unfinished messages; inboxes are
 * read no further. So a peer that reads does not pay for one that hoards.
 */
export class ByteLedger {
  readonly #accounts = new Set<Account>();
  readonly #sums = { outbox: 0, inbox: 0, unfinished: 0 };
  #total = 0;
  #isRelieving = false;
  /** The lowest total since all accounts were settled. */
  #lowest = 0;

  constructor(readonly maxBytes: number) {}

  /** Bytes that wait. */
  get total(): number {
    return this.#total;
  }

  /** Inboxes have their part: what was sent is left in the sockets. */
  get areInboxesFull(): boolean {
    return this.#sums.inbox >= this.maxBytes * SHARES.inbox || this.#total >= this.maxBytes;
  }

  /** Makes sure that so many bytes more fit in, if need be by ending the connections that hold the most. */
  makeRoom(byteLength: number): void {
    if (this.#total + byteLength <= this.maxBytes || this.#isRelieving) return;
    this.#isRelieving = true;
    try {
      this.#relieve(byteLength);
    } finally {
      this.#isRelieving = false;
    }
  }

  /** @internal */
  change(account: Account, kind: WaitingKind, byteLength: number): void {
    this.#add(kind, byteLength);
    if (account.isEmpty) this.#accounts.delete(account);
    else if (byteLength > 0) {
      this.#accounts.add(account);
      this.makeRoom(0);
    }
  }

  /** @internal So many bytes that are not a whole message wait with those that are. */
  move(byteLength: number): void {
    this.#sums.unfinished -= byteLength;
    this.#sums.inbox += byteLength;
  }

  /** @internal */
  changeShared(byteLength: number): void {
    this.#add('outbox', byteLength);
  }

  #add(kind: WaitingKind, byteLength: number): void {
    this.#sums[kind] += byteLength;
    this.#total += byteLength;
    if (this.#total < this.#lowest) this.#lowest = this.#total;
  }

  #relieve(byteLength: number): void {
    if (this.#total - this.#lowest >= this.maxBytes * SETTLED_SHARE) {
      for (const account of this.#accounts) account.owner.settle();
      this.#lowest = this.#total;
      if (this.#total + byteLength <= this.maxBytes) return;
    }
    const enough = this.maxBytes * (1 - FREED_SHARE) - byteLength;
    for (const kind of ['unfinished', 'outbox'] as const) {
      if (this.#sums[kind] > this.maxBytes * SHARES[kind]) this.#endLargest(kind, enough);
    }
  }

  #endLargest(kind: 'outbox' | 'unfinished', enough: number): void {
    const largestFirst = [...this.#accounts].sort((one, other) => other.sizeOf(kind) - one.sizeOf(kind));
    for (const account of largestFirst) {
      if (this.#total <= enough || this.#sums[kind] <= this.maxBytes * SHARES[kind]) return;
      const size = account.sizeOf(kind);
      if (size === 0) return;
      account.owner.settle();
      // It drained since its last word, so it may not be among the largest any more.
      if (account.sizeOf(kind) < size / 2) continue;
      account.owner.giveUp(kind, this);
    }
  }
}

/** What waits in one connection; made when something first does. */
export class Account {
  readonly #bytes = { outbox: 0, inbox: 0, unfinished: 0 };
  /** What its outbox holds together with others. */
  #sharedBytes = 0;
  #isPaused = false;

  constructor(
    readonly ledger: ByteLedger,
    readonly owner: AccountOwner,
  ) {}

  get isEmpty(): boolean {
    return this.#bytes.outbox + this.#bytes.inbox + this.#bytes.unfinished + this.#sharedBytes === 0;
  }

  /** How much ends if this queue does; what others hold as well is part of it. */
  sizeOf(kind: WaitingKind): number {
    if (kind === 'outbox') return this.#bytes.outbox + this.#sharedBytes;
    return kind === 'unfinished' && this.#isPaused ? 0 : this.#bytes[kind];
  }

  /**
   * The connection is read no further, or read on. A message that cannot go on because this side does not read is not the
   * fault of the peer: it counts with those that wait.
   */
  set isPaused(isPaused: boolean) {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    const { unfinished } = this.#bytes;
    this.ledger.move(isPaused ? unfinished : -unfinished);
  }

  /** Sets what waits now. May end connections, this one too. */
  set(kind: WaitingKind, byteLength: number): void {
    const change = byteLength - this.#bytes[kind];
    if (change === 0) return;
    this.#bytes[kind] = byteLength;
    this.ledger.change(this, kind === 'unfinished' && this.#isPaused ? 'inbox' : kind, change);
  }

  /** One more piece of memory waits here that others may wait with. */
  hold(memory: SharedMemory): void {
    this.#sharedBytes += memory.byteLength;
    if (memory.holders++ === 0) this.ledger.changeShared(memory.byteLength);
  }

  /** The counterpart of `hold`. */
  release(memory: SharedMemory): void {
    this.#sharedBytes -= memory.byteLength;
    if (--memory.holders === 0) this.ledger.changeShared(-memory.byteLength);
  }
}
