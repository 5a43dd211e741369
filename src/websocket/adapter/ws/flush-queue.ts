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
/** When the turn of the event loop began to be spent on broadcasts. */
let turnBegan = 0;

/**
 * Sees to it that what somebody holds back is written soon. Order per connection is kept by the holder itself: whatever
 * is added before its turn comes leaves together with the rest, in order.
 */
export function flushSoon(holder: Flushable, shared: boolean): void {
  if (shared) {
    receivers.push(holder);
    if (receiversScheduled) return;
    receiversScheduled = true;
    turnBegan = performance.now();
    setImmediate(flushReceivers);
    return;
  }
  if (replies.push(holder) === 1) process.nextTick(flushReplies);
}

function flushReplies(): void {
  let done = 0;
  try {
    while (done < replies.length) replies[done++]?.flush();
  } finally {
    // A socket whose `write` somebody wrapped can throw; the others must not wait for ever.
    replies.splice(0, done);
    if (replies.length > 0) process.nextTick(flushReplies);
  }
}

function startTurn(): void {
  turnBegan = performance.now();
  flushReceivers();
}

function flushReceivers(): void {
  // Finding the receivers has taken its part of the first turn, all of it if there were many.
  const until = turnBegan + SLICE_MS;
  try {
    while (nextReceiver < receivers.length && !(nextReceiver % CHECK_EVERY === 0 && performance.now() >= until)) {
      receivers[nextReceiver++]?.flush();
    }
  } finally {
    if (nextReceiver < receivers.length) {
      setImmediate(startTurn);
    } else {
      receivers.length = 0;
      nextReceiver = 0;
      receiversScheduled = false;
    }
  }
}
