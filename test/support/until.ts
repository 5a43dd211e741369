import { setTimeout as delay } from 'node:timers/promises';
import { patient } from './patience.js';

/** Milliseconds between two looks. */
const LOOK_MS = 5;

/** Waits for what only shows in a state, not in an event. Rejects, naming it, when it takes too long. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, limitMs = 10_000): Promise<void> {
  const end = performance.now() + patient(limitMs);
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`It took too long until ${what}.`);
    await delay(LOOK_MS);
  }
}
