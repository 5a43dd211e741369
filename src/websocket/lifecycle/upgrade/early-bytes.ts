/** Bytes a client may send ahead of the answer before reading stops; they are messages to come. */
const MAX_EARLY_BYTES = 65_536;
/** What the first of them take, in bytes; doubled as often as it takes. */
const FIRST_EARLY_BYTES = 512;

/** What a client sends ahead of the answer to its upgrade, one behind the other: a chunk of one byte costs hundreds of bytes. */
export class EarlyBytes {
  #buffer: Buffer | undefined;
  #length = 0;

  /** @param first what came in one packet with the upgrade. */
  constructor(private readonly first: Buffer) {}

  /** All of them so far. */
  get bytes(): Buffer {
    return this.#buffer === undefined ? this.first : this.#buffer.subarray(0, this.#length);
  }

  /** Keeps what has come; tells whether reading has to stop. */
  keep(chunk: Buffer): boolean {
    if (this.#buffer === undefined) this.#append(this.first);
    this.#append(chunk);
    return this.#length >= MAX_EARLY_BYTES;
  }

  #append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (this.#buffer === undefined || length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, FIRST_EARLY_BYTES, 2 * this.#length));
      this.#buffer?.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#length);
    this.#length = length;
  }
}
