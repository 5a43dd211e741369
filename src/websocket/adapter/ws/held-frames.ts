import type { SharedMemory } from '../../limits/byte-ledger.js';
import type { SharedMessage } from '../../connection/transport.js';

/** Frames that wait to leave one connection: a list from its last frame to its first, which never changes. */
export interface HeldFrames {
  readonly before: HeldFrames | undefined;
  readonly frame: Buffer;
  readonly count: number;
  /** Of all frames. */
  readonly byteLength: number;
  /** The memory that the frame is in, if others may hold that as well. */
  readonly memory: SharedMemory | undefined;
}

/** A joined buffer of more frames than this is not kept for other receivers: it may be large and stay unused. */
const MAX_KEPT_FRAMES = 64;

/** The list that was made last for a broadcast. */
let latest: HeldFrames | undefined;

/** The list that was joined last, and the result of it. */
let joined: HeldFrames | undefined;
let joinedFrames: HeldFrames | undefined;

/** One frame more, for one connection alone; `memory` is the block of the arena that it is in. */
export function holdFrame(before: HeldFrames | undefined, frame: Buffer, memory?: SharedMemory): HeldFrames {
  if (before === undefined) return { before, frame, count: 1, byteLength: frame.length, memory };
  return { before, frame, count: before.count + 1, byteLength: before.byteLength + frame.length, memory };
}

/**
 * One frame more that many connections get. Receivers of a broadcast that held the same before hold the same afterwards, so
 * the list of the one before mostly serves this one as well, and is joined once for all of them.
 */
export function holdSharedFrame(before: HeldFrames | undefined, message: SharedMessage): HeldFrames {
  if (latest !== undefined && latest.before === before && latest.memory === message.memory) return latest;
  return (latest = holdFrame(before, message.frame, message.memory));
}

/** All frames in order, as one. */
export function joinFrames(held: HeldFrames): HeldFrames {
  // A round of adding is over; what has left must not be kept for the next one.
  latest = undefined;
  if (held.count === 1) return held;
  if (held === joined && joinedFrames !== undefined) return joinedFrames;
  const frame = Buffer.concat(framesOf(held), held.byteLength);
  // Others that hold the same list wait with the same buffer.
  const all = {
    before: undefined,
    frame,
    count: 1,
    byteLength: frame.length,
    memory: { byteLength: frame.length, holders: 0 },
  };
  if (held.count <= MAX_KEPT_FRAMES) {
    joined = held;
    joinedFrames = all;
  }
  return all;
}

/** All frames in order. */
export function framesOf(held: HeldFrames): Buffer[] {
  const frames: Buffer[] = [];
  for (let list: HeldFrames | undefined = held; list !== undefined; list = list.before) frames.push(list.frame);
  return frames.reverse();
}
