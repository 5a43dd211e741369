/** Time that a subject is followed after its last member left: who joins again soon costs the engine nothing. */
const LINGER_MS = 2_000;

/** The part of a backplane that interest needs. */
export interface Following {
  follow(subject: string): void;
  unfollow(subject: string): void;
}

/** Which subjects this node has members of. Followed from the first member on, until a while after the last. */
export class Interest {
  readonly #counts = new Map<string, number>();
  /** Without a member for a while; swept together. */
  #leaving = new Set<string>();
  #sweeping = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly backplane: Following,
    private readonly forgotten: (subject: string) => void,
  ) {}

  get subjects(): Iterable<string> {
    return this.#counts.keys();
  }

  has(subject: string): boolean {
    return this.#counts.has(subject);
  }

  add(subject: string): void {
    const count = this.#counts.get(subject);
    this.#counts.set(subject, (count ?? 0) + 1);
    if (count !== undefined) return;
    if (!this.#leaving.delete(subject) && !this.#sweeping.delete(subject)) this.backplane.follow(subject);
  }

  remove(subject: string): void {
    const count = this.#counts.get(subject);
    if (count === undefined) return;
    if (count > 1) {
      this.#counts.set(subject, count - 1);
      return;
    }
    this.#counts.delete(subject);
    this.#leaving.add(subject);
    this.#timer ??= setTimeout(() => this.#sweep(), LINGER_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#counts.clear();
    this.#leaving.clear();
    this.#sweeping.clear();
  }

  /** What has been without a member for a whole sweep goes. */
  #sweep(): void {
    for (const subject of this.#sweeping) {
      this.backplane.unfollow(subject);
      this.forgotten(subject);
    }
    this.#sweeping = this.#leaving;
    this.#leaving = new Set();
    this.#timer = this.#sweeping.size === 0 ? undefined : setTimeout(() => this.#sweep(), LINGER_MS).unref();
  }
}
