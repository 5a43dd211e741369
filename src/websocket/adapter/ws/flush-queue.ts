import { flush, flushInSlices, type Flushable } from '../../async/slices.js';

/* Taken when this file is loaded, as in `slices.ts`. */
const runAfterThisEvent = process.nextTick.bind(process);

/** Replies: they leave when the current event of the event loop is over. */
const replies: Flushable[] = [];

/**
 * Makes sure that what a connection holds back is written soon; what many get leaves in slices. The holder keeps the order:
 * frames that are added before its turn leave together with the earlier ones, in order.
 */
export function flushSoon(holder: Flushable, shared: boolean): void {
  if (shared) flushInSlices(holder);
  else if (replies.push(holder) === 1) runAfterThisEvent(flushReplies);
}

function flushReplies(): void {
  // Also those that are added meanwhile.
  for (const holder of replies) flush(holder);
  replies.length = 0;
}
