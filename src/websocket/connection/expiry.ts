/** The longest delay a timer takes; a longer one would fire at once (24.8 days). */
const MAX_DELAY_MS = 2_147_483_647;

/**
 * Calls back at a point in time of the wall clock, near or far away; can be moved. Timers count the time that the process
 * runs: they stop while a machine is suspended, and know nothing of a clock that is set. So the wall clock decides, when the
 * timer fires and when `check` is called.
 */
export class Expiry {
  #timer: NodeJS.Timeout | undefined;
  #atMs: number | undefined;

  constructor(private readonly onExpired: () => void) {}

  /** Sets or moves the point in time, in milliseconds since the epoch; one in the past is due at once. */
  moveTo(atMs: number): void {
    this.#atMs = atMs;
    this.#wait(atMs - Date.now());
  }

  /** Calls back if the time has come, as it may have during a sleep that the timer does not know of. */
  check(nowMs: number): void {
    if (this.#atMs === undefined || nowMs < this.#atMs) return;
    this.cancel();
    this.onExpired();
  }

  cancel(): void {
    this.#atMs = undefined;
    clearTimeout(this.#timer);
  }

  #wait(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake(), Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    this.#timer.unref();
  }

  #wake(): void {
    const now = Date.now();
    this.check(now);
    if (this.#atMs !== undefined) this.#wait(this.#atMs - now);
  }
}

/** Milliseconds since the epoch. @throws TypeError for anything but a date or a finite number. */
export function toEpochMs(at: Date | number): number {
  const ms = typeof at === 'number' ? at : at instanceof Date ? at.getTime() : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new TypeError('expiresAt is a Date, or a number of milliseconds since the epoch.');
}
