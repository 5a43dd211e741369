import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process holds after its garbage was collected, in bytes. */
export interface Held {
  readonly heapUsed: number;
  readonly arrayBuffers: number;
}

/** `--expose-gc` for a process that runs already. */
function exposeGc(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

const gc = exposeGc();

/**
 * Empties each `WeakRef` whose object only it holds. One round: in a worker of jest, whose heap has the modules of many test
 * files, a full collection can take a second.
 */
export async function clearWeakRefs(): Promise<void> {
  await turn();
  gc();
}

/** Collects garbage until nothing more comes of it: finalizers and promises need turns of the event loop in between. */
export async function collectGarbage(): Promise<Held> {
  for (let round = 0; round < 4; round++) {
    gc();
    await turn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapUsed, arrayBuffers };
}
