/** Frames that wait to leave one connection: a list from its last frame to its first, which never changes. */
export interface HeldFrames {
  readonly before: HeldFrames | undefined;
  readonly frame: Buffer;
  readonly count: number;
}

/** A joined buffer of more frames than this is not kept for others: it may be large, and nobody may come. */
const MAX_KEPT_FRAMES = 64;

/** The list that was made last for a broadcast. */
let latest: HeldFrames | undefined;

/** The list that was joined last. */
let joined: HeldFrames | undefined;
let joinedBytes: Buffer = Buffer.alloc(0);

/** One frame more, for one connection alone. */
export function holdFrame(before: HeldFrames | undefined, frame: Buffer): HeldFrames {
  return { before, frame, count: before === undefined ? 1 : before.count + 1 };
}

/**
 * One frame more that many connections get. Receivers of a broadcast that held the same before hold the same afterwards, so
 * the list of the one before mostly serves this one as well, and is joined once for all of them.
 */
export function holdSharedFrame(before: HeldFrames | undefined, frame: Buffer): HeldFrames {
  if (latest !== undefined && latest.before === before && latest.frame === frame) return latest;
  return (latest = holdFrame(before, frame));
}

/** All frames in order, in one buffer. */
export function joinFrames(held: HeldFrames): Buffer {
  // A round of adding is over; what has left must not be kept for the next one.
  latest = undefined;
  if (held.count === 1) return held.frame;
  if (held === joined) return joinedBytes;
  const frames: Buffer[] = [];
  for (let list: HeldFrames | undefined = held; list !== undefined; list = list.before) frames.push(list.frame);
  const bytes = Buffer.concat(frames.reverse());
  if (held.count <= MAX_KEPT_FRAMES) {
    joined = held;
    joinedBytes = bytes;
  }
  return bytes;
}
