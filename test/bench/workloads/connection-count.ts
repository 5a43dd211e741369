import { setTimeout as pause } from 'node:timers/promises';
import type { Pair } from '../processes/pair.js';

const LOOK_EVERY_MS = 5;
const PATIENCE_MS = 30_000;

/** Waits until the server itself counts so many connections: its work on them is then done. */
export async function connectionCountBecomes(pair: Pair, wanted: number): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  let count = await pair.server.ask('connectionCount', []);
  while (count !== wanted) {
    if (performance.now() > endMs)
      throw new Error(`${pair.contender} counts ${count} connections instead of ${wanted}`);
    await pause(LOOK_EVERY_MS);
    count = await pair.server.ask('connectionCount', []);
  }
}
