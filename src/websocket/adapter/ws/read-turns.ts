import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';

/** Goes on with what it left in an earlier turn of the event loop. */
export interface Reader {
  goOn(): void;
}

/** Messages of one connection that are read in one turn of the event loop, about. */
export const MESSAGES_PER_TURN = 128;

/** How long a turn may be spent on reading when a connection takes more of it, in milliseconds. */
const MS_PER_TURN = 5;

/** Taken when this file is loaded: the fake timers of a test may be taken off with callbacks in them that never run. */
const runInNextTurn = setImmediate;

/** The number of the turn; it changes only after it was asked for. */
let turn = 0;
let isAsked = false;
let askedAt = 0;

/** Tells turns of the event loop apart. */
export function currentTurn(): number {
  if (!isAsked) {
    isAsked = true;
    askedAt = performance.now();
    runInNextTurn(endTurn);
  }
  return turn;
}

function endTurn(): void {
  turn++;
  isAsked = false;
}

/** Tells whether this turn has been spent on reading for long. */
export function isTurnLong(): boolean {
  return performance.now() - askedAt >= MS_PER_TURN;
}

/** Calls the reader in the next turn, in the async context of this call, after the others that wait for it. */
export function goOnInNextTurn(reader: Reader): void {
  runInNextTurn(goOn, reader);
}

function goOn(reader: Reader): void {
  reader.goOn();
}
