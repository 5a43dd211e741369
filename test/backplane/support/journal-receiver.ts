import { randomBytes } from 'node:crypto';
import type { BackplaneReceiver } from '../../../src/websocket/backplane/backplane.js';
import { patient } from '../../support/patience.js';

/** Writes down what a backplane tells, and waits for what it is to tell. */
export class JournalReceiver implements BackplaneReceiver {
  /** `up`, `down: reason`, `followed c_x`, `c_x: text`. */
  readonly entries: string[] = [];
  readonly #listeners = new Set<() => void>();

  receive(subject: string, envelope: Uint8Array): void {
    this.#write(`${subject}: ${Buffer.from(envelope).toString()}`);
  }

  followed(subject: string): void {
    this.#write(`followed ${subject}`);
  }

  engine(isReachable: boolean, reason?: string): void {
    this.#write(isReachable ? 'up' : `down: ${reason ?? ''}`);
  }

  /** How often something was written that begins like this. */
  count(beginning: string): number {
    return this.entries.filter((entry) => entry.startsWith(beginning)).length;
  }

  /** Resolves once an entry begins like this; of the entries from `since` on. */
  async until(beginning: string, since = 0): Promise<string> {
    const giveUp = performance.now() + patient(12_000);
    for (;;) {
      const entry = this.entries.slice(since).find((each) => each.startsWith(beginning));
      if (entry !== undefined) return entry;
      const left = giveUp - performance.now();
      if (left <= 0)
        throw new Error(`Not told: ${beginning}. Told was:\n${this.entries.slice(since).slice(-50).join('\n')}`);
      await this.#change(left);
    }
  }

  #write(entry: string): void {
    this.entries.push(entry);
    for (const listener of [...this.#listeners]) listener();
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#listeners.add(done);
    });
  }
}

export function randomPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}
