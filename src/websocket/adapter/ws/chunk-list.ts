/** A chunk smaller than this is copied; a read of a busy socket is larger. */
const SMALL_CHUNK_BYTES = 1_024;

const BLOCK_BYTES = 4_096;

/**
 * Chunks that wait behind one another, first in, first out. Small ones are written together: a peer that sends a large
 * payload byte by byte would otherwise cost a buffer for every byte, and time that grows with their square.
 */
export class ChunkList {
  readonly #chunks: (Buffer | undefined)[] = [];
  #head = 0;
  /** Where small chunks are written; those since `#blockStart` are not a chunk of the list yet. */
  #block: Buffer | undefined;
  #blockStart = 0;
  #blockEnd = 0;

  get length(): number {
    return this.#chunks.length - this.#head + (this.#blockEnd > this.#blockStart ? 1 : 0);
  }

  push(chunk: Buffer): void {
    if (chunk.length >= SMALL_CHUNK_BYTES) {
      this.#seal();
      this.#chunks.push(chunk);
      return;
    }
    if (this.#block === undefined || this.#blockEnd + chunk.length > BLOCK_BYTES) {
      this.#seal();
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#blockStart = this.#blockEnd = 0;
    }
    this.#block.set(chunk, this.#blockEnd);
    this.#blockEnd += chunk.length;
  }

  shift(): Buffer | undefined {
    if (this.#head === this.#chunks.length) this.#seal();
    const chunk = this.#chunks[this.#head];
    if (chunk !== undefined) this.#chunks[this.#head++] = undefined;
    return chunk;
  }

  #seal(): void {
    if (this.#block === undefined || this.#blockEnd === this.#blockStart) return;
    this.#chunks.push(this.#block.subarray(this.#blockStart, this.#blockEnd));
    this.#blockStart = this.#blockEnd;
  }
}
