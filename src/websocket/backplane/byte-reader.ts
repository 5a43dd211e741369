/** What came from the engine is not an envelope, or is damaged. It is counted and dropped. */
export class EnvelopeError extends Error {}

/** Longest list of names in an envelope: a hostile length must not make the reader allocate. */
const MAX_LIST = 1_000_000;

/**
 * Reads the fields of an envelope one after another. All that comes from an engine is checked: lengths, numbers and UTF-8.
 * @throws EnvelopeError from each method, for what does not fit.
 */
export class ByteReader {
  #position = 0;

  constructor(private readonly bytes: Buffer) {}

  byte(): number {
    const value = this.bytes[this.#position++];
    if (value === undefined) throw new EnvelopeError('ends too early');
    return value;
  }

  count(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new EnvelopeError('has a number that is too large');
      if (byte < 0x80) return value;
      factor *= 0x80;
      if (factor > 0x80 ** 7) throw new EnvelopeError('has a number that is too long');
    }
  }

  text(): string {
    const length = this.count();
    return this.fixed(length).toString('utf8');
  }

  blob(): Buffer {
    return this.fixed(this.count());
  }

  /** A view: who keeps it copies it. */
  fixed(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.bytes.length) throw new EnvelopeError('ends too early');
    const read = this.bytes.subarray(this.#position, end);
    this.#position = end;
    return read;
  }

  texts(): string[] {
    return this.list(() => this.text());
  }

  /** A list whose length comes first. */
  list<Member>(read: () => Member): Member[] {
    const length = this.count();
    // Each member takes a byte at least.
    if (length > MAX_LIST || length > this.bytes.length - this.#position)
      throw new EnvelopeError('has a list that is too long');
    const members: Member[] = [];
    for (let index = 0; index < length; index++) members.push(read());
    return members;
  }
}
