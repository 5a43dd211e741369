// Taken at import, so that a test with fake timers still gets its time-out.
import { clearTimeout, setTimeout } from 'node:timers';
import { patient } from './patience.js';

/** A promise that a test settles from outside, to hold an application at a certain point. */
export class Gate<T = void> {
  readonly opened: Promise<T>;
  readonly open!: (value: T) => void;
  readonly fail!: (error: unknown) => void;

  constructor() {
    this.opened = new Promise<T>((resolve, reject) => Object.assign(this, { open: resolve, fail: reject }));
    this.opened.catch(() => undefined);
  }
}

/** What an application under test did, in order; a test waits for the next entry instead of some time. */
export class Journal<T = string> {
  readonly entries: T[] = [];
  #taken = 0;
  readonly #sleepers: (() => void)[] = [];

  readonly add = (entry: T): void => {
    this.entries.push(entry);
    this.#wake();
  };

  /** Takes the oldest entry that was not taken yet, or waits for it. */
  async next(timeoutMs = patient(2000)): Promise<T> {
    const index = this.#taken++;
    await this.#until(index + 1, timeoutMs);
    return this.entries[index] as T;
  }

  /** Waits until there are so many entries, taken or not, and gives all. */
  async reached(count: number, timeoutMs = patient(2000)): Promise<readonly T[]> {
    await this.#until(count, timeoutMs);
    return this.entries;
  }

  async #until(count: number, timeoutMs: number): Promise<void> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.#wake();
    }, timeoutMs);
    try {
      while (this.entries.length < count) {
        if (expired)
          throw new Error(`${count} entries were expected within ${timeoutMs} ms, there are: ${show(this.entries)}`);
        await new Promise<void>((resolve) => this.#sleepers.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const wake of this.#sleepers.splice(0)) wake();
  }
}

function show(entries: readonly unknown[]): string {
  return entries.length === 0 ? 'none' : entries.map((entry) => JSON.stringify(entry) ?? String(entry)).join(', ');
}
