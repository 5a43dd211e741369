import { ChunkList } from './chunk-list.js';

const MASK = Buffer.alloc(4);

/** A payload that is the last of its chunk is unmasked by bytes up to here: making a view of words would cost more. */
const MAX_BYTE_LOOP = 96;

/** What was read from one socket and not parsed yet. */
export class ReadQueue {
  #first: Buffer | undefined;
  #offset = 0;
  /** Chunks behind the first one; only where a payload is larger than a chunk. */
  #rest: ChunkList | undefined;
  /** The first chunk, to be read in words; made when it pays. */
  #words: DataView | undefined;
  /** Whether the payload that was taken last is all ASCII. */
  isAscii = false;
  /** The mask of the current frame, its first byte lowest. */
  #mask = 0;

  get length(): number {
    if (this.#first === undefined) return 0;
    return 1 + (this.#rest?.length ?? 0);
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#first === undefined) this.#first = chunk;
    else (this.#rest ??= new ChunkList()).push(chunk);
  }

  /** Moves the next bytes into `target` and returns it. */
  copy(target: Buffer, byteLength: number): Buffer {
    let first = this.#first;
    for (let i = 0; i < byteLength && first !== undefined; i++) {
      target[i] = first[this.#offset++] ?? 0;
      if (this.#offset === first.length) first = this.#next();
    }
    return target;
  }

  takeMask(): void {
    this.#mask = this.copy(MASK, MASK.length).readInt32LE();
  }

  /** The next bytes without their mask: a view where they are in one chunk, otherwise a copy; ASCII as a string if wanted. */
  takePayload(byteLength: number, asText: boolean): Buffer | string {
    const first = this.#first;
    const start = this.#offset;
    const end = start + byteLength;
    if (first === undefined || end > first.length) return this.#join(byteLength);
    if (this.#words === undefined && end === first.length && byteLength <= MAX_BYTE_LOOP) {
      this.isAscii = unmaskBytes(first, start, end, this.#mask);
    } else {
      this.isAscii = unmaskWords((this.#words ??= wordsOf(first)), start, end, this.#mask);
    }
    if (end === first.length) this.#next();
    else this.#offset = end;
    return asText && this.isAscii ? first.toString('latin1', start, end) : first.subarray(start, end);
  }

  #join(byteLength: number): Buffer {
    const joined = Buffer.allocUnsafe(byteLength);
    let first = this.#first;
    let at = 0;
    while (at < byteLength && first !== undefined) {
      const start = this.#offset;
      const part = first.subarray(start, start + byteLength - at);
      joined.set(part, at);
      at += part.length;
      this.#offset = start + part.length;
      if (this.#offset === first.length) first = this.#next();
    }
    this.isAscii = unmaskWords(wordsOf(joined), 0, byteLength, this.#mask);
    return joined;
  }

  #next(): Buffer | undefined {
    this.#offset = 0;
    this.#words = undefined;
    this.#first = this.#rest?.shift();
    if (this.#rest?.length === 0) this.#rest = undefined;
    return this.#first;
  }
}

function wordsOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Takes the mask off in place (RFC 6455 §5.3); tells whether all of it is ASCII. */
function unmaskWords(words: DataView, start: number, end: number, mask: number): boolean {
  let seen = 0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = words.getInt32(at, true) ^ mask;
    seen |= word;
    words.setInt32(at, word, true);
  }
  for (let rest = mask; at < end; at++, rest >>= 8) {
    const byte = words.getUint8(at) ^ (rest & 0xff);
    seen |= byte;
    words.setUint8(at, byte);
  }
  return (seen & 0x80_80_80_80) === 0;
}

function unmaskBytes(bytes: Buffer, start: number, end: number, mask: number): boolean {
  let seen = 0;
  for (let at = start, shift = 0; at < end; at++, shift += 8) {
    // A shift counts modulo 32, so the mask begins anew after four bytes.
    const byte = (bytes[at] ?? 0) ^ ((mask >> shift) & 0xff);
    seen |= byte;
    bytes[at] = byte;
  }
  return seen < 0x80;
}
