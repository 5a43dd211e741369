/**
 * The place of one handshake among those that are undecided. It is taken for as long as code of the application runs for the
 * handshake, also when the client has left or was answered meanwhile: what runs is what costs.
 */
export class PendingPlace {
  #running = 0;
  #isFree = false;
  #timer: NodeJS.Timeout | undefined;
  #whenFree: (() => void) | undefined;

  constructor(
    private readonly release: () => void,
    /** Called when the place becomes free although code still runs. */
    private readonly onLate: () => void,
  ) {}

  /** Keeps the place until this has settled. */
  keepFor(code: PromiseLike<unknown>): void {
    this.#running++;
    const settle = (): void => {
      this.#running--;
      if (this.#running === 0) this.#free();
    };
    code.then(settle, settle);
  }

  /** Keeps the place for this time at the longest, in milliseconds from now; 0 means no limit. */
  limit(timeoutMs: number): void {
    clearTimeout(this.#timer);
    if (timeoutMs === 0 || this.#isFree) return;
    this.#timer = setTimeout(() => {
      this.onLate();
      this.#free();
    }, timeoutMs).unref();
  }

  /** Calls this once when the place is free, at once if it is. */
  whenFree(callback: () => void): void {
    if (this.#isFree) callback();
    else this.#whenFree = callback;
  }

  #free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    clearTimeout(this.#timer);
    this.release();
    this.#whenFree?.();
  }
}
