import { writeFrameHeader } from './frame.js';

/** Size of one arena in bytes: what a slow peer may keep alive for a few bytes of its own, as Node's pool of Buffers. */
const ARENA_BYTES = 16_384;

/** Longest text that is written into an arena, in UTF-16 units; anything longer gets a buffer of its own. */
export const MAX_ARENA_TEXT = 2_048;

/**
 * Writes frames one behind the other into one buffer, so that the frames of one burst are already joined. Nothing is
 * ever written twice to the same place: who holds a slice of it holds it for good.
 */
export class FrameArena {
  buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
  /** Where the next frame begins. */
  position = 0;

  /** Makes room for a frame of a text; may change `buffer`. */
  reserve(text: string): void {
    // A UTF-16 unit has at most three bytes of UTF-8.
    if (this.position + text.length * 3 + 4 <= ARENA_BYTES) return;
    this.buffer = Buffer.allocUnsafeSlow(ARENA_BYTES);
    this.position = 0;
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
