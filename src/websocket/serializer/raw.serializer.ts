import { Serializer } from './serializer.js';

/** Passes messages through: text as string, binary as Buffer, in both directions. The default, as in the originals. */
export class RawSerializer extends Serializer {
  /**
   * Gives strings and bytes as they are.
   * @throws TypeError for anything else: nothing is guessed.
   */
  override encode(value: unknown): string | Uint8Array {
    if (typeof value === 'string' || value instanceof Uint8Array) return value;
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    throw new TypeError(
      `the raw serializer sends strings and bytes, not ${value === null ? 'null' : typeof value}; ` +
        `use serializer: 'json' or encode the value first`,
    );
  }

  /** Gives the message as it came. */
  override decode(data: string | Buffer): string | Buffer {
    return data;
  }
}
