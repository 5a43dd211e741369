/** The longest delay a timer takes; a longer one would fire at once (24.8 days). */
const MAX_DELAY_MS = 2_147_483_647;

/** Calls back at a point in time, however far away; can be moved. */
export class Expiry {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly onExpired: () => void) {}

  /** Sets or moves the point in time, in milliseconds since the epoch; one in the past is due at once. */
  moveTo(atMs: number): void {
    clearTimeout(this.#timer);
    const delay = Math.max(0, atMs - Date.now());
    this.#timer = setTimeout(
      () => {
        if (delay > MAX_DELAY_MS) this.moveTo(atMs);
        else this.onExpired();
      },
      Math.min(delay, MAX_DELAY_MS),
    );
    this.#timer.unref();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}

/** Milliseconds since the epoch. @throws TypeError for anything but a date or a finite number. */
export function toEpochMs(at: Date | number): number {
  const ms = typeof at === 'number' ? at : at instanceof Date ? at.getTime() : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new TypeError('expiresAt is a Date, or a number of milliseconds since the epoch.');
}
