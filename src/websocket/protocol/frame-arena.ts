import { writeFrameHeader } from './frame.js';

/**
 * Size of one arena in bytes: what a slow peer may keep alive for a few bytes of its own, as a chunk that was read, or the
 * pool of Buffers from Node 24 on.
 */
const ARENA_BYTES = 65_536;

/** Longest text that is written into an arena, in UTF-16 units; anything longer gets a buffer of its own. */
export const MAX_ARENA_TEXT = 16_384;

/** Up to here a text is taken to need three bytes for each unit, which costs less than to measure it. */
const MAX_UNMEASURED = 2_048;

/**
 * Writes frames one behind the other into one buffer, so that the frames of one burst are already joined. Who holds a
 * slice of it holds it until it is given back; most slices are, at once, so that the same few bytes serve for all.
 */
export class FrameArena {
  buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
  /** Where the next frame begins. */
  position = 0;

  /** Makes room for a frame of a text; may change `buffer`. */
  reserve(text: string): void {
    // A UTF-16 unit has at most three bytes of UTF-8.
    const byteLength = text.length <= MAX_UNMEASURED ? text.length * 3 : Buffer.byteLength(text);
    if (this.position + byteLength + 4 <= ARENA_BYTES) return;
    this.buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
    this.position = 0;
  }

  /** Nobody will look at these bytes again: what was written last is written over. */
  giveBack(bytes: Buffer): void {
    if (bytes.buffer !== this.buffer.buffer) return;
    if (bytes.byteOffset + bytes.length === this.position) this.position = bytes.byteOffset;
  }

  /** Writes a text frame (RFC 6455 §5.2) at `position`; room must have been reserved. */
  writeText(text: string): void {
    const { buffer, position } = this;
    // Most texts are ASCII, so their size is known before they are encoded.
    const guessed = text.length <= 125 ? 2 : 4;
    const length = buffer.write(text, position + guessed);
    const actual = length <= 125 ? 2 : 4;
    if (actual !== guessed) buffer.copyWithin(position + actual, position + guessed, position + guessed + length);
    writeFrameHeader(buffer, position, true, length);
    this.position = position + actual + length;
  }
}
