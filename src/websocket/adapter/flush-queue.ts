/** Holds bytes back until told to write them. */
export interface Flushable {
  flush(): void;
}

/** How long one turn of the event loop may be spent on writing to the receivers of broadcasts, in milliseconds. */
const SLICE_MS = 4;

/** Receivers between two looks at the clock: each is about one system call. */
const CHECK_EVERY = 16;

/** Replies: they leave when the current event of the event loop is over. */
const replies: Flushable[] = [];

/** Receivers of broadcasts: they leave in slices, so that a large one does not hold the event loop. */
const receivers: Flushable[] = [];
let nextReceiver = 0;
let receiversScheduled = false;

/**
 * Sees to it that what somebody holds back is written soon. Order per connection is kept by the holder itself: whatever
 * is added before its turn comes leaves together with the rest, in order.
 */
export function flushSoon(holder: Flushable, shared: boolean): void {
  if (shared) {
    receivers.push(holder);
    if (receiversScheduled) return;
    receiversScheduled = true;
    // Not in this turn: whoever broadcasts to many has spent enough of it on finding them.
    setImmediate(flushReceivers);
    return;
  }
  if (replies.push(holder) === 1) process.nextTick(flushReplies);
}

function flushReplies(): void {
  for (const holder of replies) holder.flush();
  replies.length = 0;
}

function flushReceivers(): void {
  const until = performance.now() + SLICE_MS;
  while (nextReceiver < receivers.length) {
    receivers[nextReceiver++]?.flush();
    if (nextReceiver % CHECK_EVERY === 0 && performance.now() >= until) {
      setImmediate(flushReceivers);
      return;
    }
  }
  receivers.length = 0;
  nextReceiver = 0;
  receiversScheduled = false;
}
