import type { SharedMemory } from '../../limits/byte-ledger.js';
import { writeFrameHeader } from '../../protocol/frame.js';

/** Size of one block in bytes: what a slow peer may keep alive for a few bytes of its own, as a chunk that was read. */
const BLOCK_BYTES = 65_536;

/** Longest text or piece of bytes that is written into a block; anything longer gets a buffer of its own. */
export const MAX_ARENA_LENGTH = 16_384;

/** Up to here a text is taken to need three bytes for each unit, which costs less than to measure it. */
const MAX_UNMEASURED = 2_048;

/** Where frames are written one behind the other. It lives as long as a socket has one of them to send. */
export class ArenaBlock implements SharedMemory {
  readonly buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  readonly byteLength = BLOCK_BYTES;
  holders = 0;
}

/**
 * Writes frames one behind the other into one block, so that the frames of one burst are already joined. Who holds a
 * slice of it holds it until it is given back; most slices are, at once, so that the same few bytes serve for all.
 */
export class FrameArena {
  block = new ArenaBlock();
  /** Where the next frame begins. */
  position = 0;

  /** Makes room for the frame of a message; may change `block`. */
  reserve(data: string | Uint8Array): void {
    // A UTF-16 unit has at most three bytes of UTF-8.
    const byteLength =
      typeof data !== 'string'
        ? data.length
        : data.length <= MAX_UNMEASURED
          ? data.length * 3
          : Buffer.byteLength(data);
    if (this.position + byteLength + 4 <= BLOCK_BYTES) return;
    this.block = new ArenaBlock();
    this.position = 0;
  }

  /** Frees these bytes if they were written last; the caller must not read them again. */
  giveBack(bytes: Buffer): void {
    if (bytes.buffer !== this.block.buffer.buffer) return;
    if (bytes.byteOffset + bytes.length === this.position) this.position = bytes.byteOffset;
  }

  /** Writes a frame (RFC 6455 §5.2) at `position`; room must have been reserved. */
  write(data: string | Uint8Array): void {
    if (typeof data === 'string') this.#writeText(data);
    else this.#writeBytes(data);
  }

  #writeText(text: string): void {
    const { position } = this;
    const { buffer } = this.block;
    // Most texts are ASCII, so their size is known before they are encoded.
    const guessed = text.length <= 125 ? 2 : 4;
    const length = buffer.write(text, position + guessed);
    const actual = length <= 125 ? 2 : 4;
    if (actual !== guessed) buffer.copyWithin(position + actual, position + guessed, position + guessed + length);
    writeFrameHeader(buffer, position, true, length);
    this.position = position + actual + length;
  }

  #writeBytes(bytes: Uint8Array): void {
    const { buffer } = this.block;
    const start = writeFrameHeader(buffer, this.position, false, bytes.length);
    buffer.set(bytes, start);
    this.position = start + bytes.length;
  }
}
