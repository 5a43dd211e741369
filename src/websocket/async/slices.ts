import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work that waits for its turn, such as the bytes that a connection holds back. */
export interface Flushable {
  flush(): void;
  /** Its `flush` threw. */
  fail(error: unknown): void;
}

/** How long one turn of the event loop may be spent on what is done for many, in milliseconds. */
const SLICE_MS = 4;

/** Connections between two looks at the clock: each is about one system call. */
const CHECK_EVERY = 16;

/*
 * Taken when this file is loaded: what is scheduled here is known to this file for as long as the process lives, while the
 * fake timers of a test may be taken off with callbacks in them that never run.
 */
const runInNextTurn = setImmediate;

const waiting: Flushable[] = [];
let next = 0;
let isScheduled = false;
/** When the turn of the event loop began to be spent on them. */
let turnBegan = 0;

/** Flushes it soon, in a turn of its own with others, in order: many of them do not hold the event loop. */
export function flushInSlices(one: Flushable): void {
  waiting.push(one);
  if (isScheduled) return;
  isScheduled = true;
  turnBegan = performance.now();
  runInNextTurn(flushSlice);
}

/** One that cannot be flushed must keep none of the others from it. */
export function flush(one: Flushable): void {
  try {
    one.flush();
  } catch (error) {
    one.fail(error);
  }
}

/** Visits all, and lets the rest of the application have the event loop between. */
export async function visitInSlices<Member>(members: Iterable<Member>, visit: (member: Member) => void): Promise<void> {
  let visited = 0;
  let until = performance.now() + SLICE_MS;
  for (const member of members) {
    visit(member);
    if (++visited % CHECK_EVERY !== 0 || performance.now() < until) continue;
    await nextTurn();
    until = performance.now() + SLICE_MS;
  }
}

function startTurn(): void {
  turnBegan = performance.now();
  flushSlice();
}

function flushSlice(): void {
  // Finding them has taken its part of the first turn, all of it if there were many.
  const until = turnBegan + SLICE_MS;
  while (next < waiting.length) {
    if (next % CHECK_EVERY === 0 && performance.now() >= until) {
      // More may come faster than they are flushed: those that have been are released all the same.
      waiting.splice(0, next);
      next = 0;
      runInNextTurn(startTurn);
      return;
    }
    flush(waiting[next++] as Flushable);
  }
  waiting.length = 0;
  next = 0;
  isScheduled = false;
}
