/** How often within `timeoutMs` the age of what waits is looked at: an engine counts as late up to a quarter after its time. */
const LOOKS = 4;

/** What a ledger bounds, and what it tells. */
export interface PublishLedgerOptions {
  /** Bytes that may wait for the engine; more is refused. */
  readonly maxPendingBytes: number;
  /** Time within which the engine has to take something, in milliseconds. */
  readonly timeoutMs: number;
  /** The engine has taken nothing for `timeoutMs` while something waited. Called once, until it takes something again. */
  onLate(): void;
  /** The engine takes again what it is given. */
  onTaking(): void;
}

/**
 * Counts what was handed to an engine and not taken by it yet. No client library bounds that for an engine which is silent but
 * connected, so the ledger does: by bytes, and by the age of the oldest.
 *
 * It knows sums alone, and looks at the clock by a timer that runs while something waits: a publish costs two additions. The
 * timer does not keep the process alive.
 */
export class PublishLedger {
  readonly #maxPendingBytes: number;
  readonly #timeoutMs: number;
  readonly #onLate: () => void;
  readonly #onTaking: () => void;
  /** Both sums only rise; what is between them waits. */
  #givenBytes = 0;
  #takenBytes = 0;
  /** `#givenBytes` at the last looks, the oldest first. */
  #looks: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #isLate = false;
  #isClosed = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: PublishLedgerOptions) {
    this.#maxPendingBytes = options.maxPendingBytes;
    this.#timeoutMs = options.timeoutMs;
    this.#onLate = () => options.onLate();
    this.#onTaking = () => options.onTaking();
  }

  /** Bytes that the engine has not taken yet. */
  get pendingBytes(): number {
    return this.#givenBytes - this.#takenBytes;
  }

  /** Whether the engine let its time pass. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Enters bytes that go to the engine next. Returns false, and enters nothing, when too much waits or the engine is late. */
  give(bytes: number): boolean {
    if (this.#isLate || this.#isClosed) return false;
    const given = this.#givenBytes + bytes;
    if (given - this.#takenBytes > this.#maxPendingBytes) return false;
    this.#givenBytes = given;
    if (this.#timer === undefined) this.#look();
    return true;
  }

  /** The engine has taken as many bytes, or they are known to be lost: they wait no longer. */
  take(bytes: number): void {
    this.#takenBytes = Math.min(this.#takenBytes + bytes, this.#givenBytes);
    if (this.#isLate) {
      this.#isLate = false;
      this.#looks = [];
      this.#onTaking();
    }
    if (this.#takenBytes === this.#givenBytes && this.#waiting.size > 0) this.#tellEmpty();
  }

  /** The connection is gone, and with it what waited. A new one begins with nothing. Tells neither callback. */
  reset(): void {
    this.#takenBytes = this.#givenBytes;
    this.#isLate = false;
    this.#stopLooking();
    this.#tellEmpty();
  }

  /** Resolves with true when nothing waits any more, and with false after `timeoutMs`. */
  empty(timeoutMs: number): Promise<boolean> {
    if (this.pendingBytes === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(this.pendingBytes === 0);
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  /** Takes nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.reset();
  }

  #look(): void {
    const period = this.#timeoutMs / LOOKS;
    this.#looks.push(this.#givenBytes);
    this.#dueAt = performance.now() + period;
    this.#timer = setTimeout(() => this.#onLook(), period).unref();
  }

  #onLook(): void {
    this.#timer = undefined;
    if (this.pendingBytes === 0) {
      this.#looks = [];
      return;
    }
    // After a pause of this process the replies may wait in the socket: they are read before the engine is judged.
    if (performance.now() - this.#dueAt > this.#timeoutMs / LOOKS) this.#looks = [];
    while (this.#looks.length > LOOKS) this.#looks.shift();
    const [oldest] = this.#looks;
    if (!this.#isLate && this.#looks.length === LOOKS && oldest !== undefined && oldest > this.#takenBytes) {
      this.#isLate = true;
      this.#onLate();
    }
    if (!this.#isClosed && this.pendingBytes > 0) this.#look();
  }

  #stopLooking(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#looks = [];
  }

  #tellEmpty(): void {
    for (const done of [...this.#waiting]) done();
  }
}
