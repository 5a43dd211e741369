import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

const MAX_BYTES = 268_435_456;
const MIN_BYTES = 4_194_304;

/** The part of the heap, and of the memory that the process may have, that queues may fill. */
const SHARE = 1 / 8;

/**
 * How many bytes all queues of a process may hold where nothing is said: an eighth of the heap, or of the memory of the
 * machine or container where that is less, at most 256 MiB. Half of it are messages as text, which the heap has to hold.
 */
export function defaultQueueBytes(): number {
  const memory = Math.min(getHeapStatistics().heap_size_limit, containerBytes(), totalmem());
  return Math.min(MAX_BYTES, Math.max(MIN_BYTES, Math.floor(memory * SHARE)));
}

/** Without a container it is 0, absent, or more than any machine has. */
function containerBytes(): number {
  const bytes = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0;
  return bytes > 0 ? bytes : Number.POSITIVE_INFINITY;
}
