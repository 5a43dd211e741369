const START_BYTES = 1024;

/** Writes the fields of an envelope one after another. One writer serves all envelopes: `finish` gives a copy and begins anew. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(START_BYTES);
  #end = 0;

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#end++] = value;
    return this;
  }

  /** A whole number from 0 to 2^53 - 1, seven bits in each byte, the lowest first. */
  count(value: number): this {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#end++] = rest;
    return this;
  }

  text(value: string): this {
    const length = Buffer.byteLength(value);
    this.count(length);
    this.#reserve(length);
    this.#end += this.#bytes.write(value, this.#end, length, 'utf8');
    return this;
  }

  bytes(value: Uint8Array): this {
    this.count(value.length);
    return this.fixed(value);
  }

  /** Bytes whose number the reader knows. */
  fixed(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
    return this;
  }

  texts(values: Iterable<string> & { readonly length?: number; readonly size?: number }): this {
    this.count(values.length ?? values.size ?? 0);
    for (const value of values) this.text(value);
    return this;
  }

  finish(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(0, this.#end));
    this.#end = 0;
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(START_BYTES);
    return written;
  }

  #reserve(length: number): void {
    const needed = this.#end + length;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** A writer that grew beyond this for one large message begins small again. */
const MAX_KEPT_BYTES = 262_144;
