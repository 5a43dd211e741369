import { asBytes } from './bytes.js';
import { Serializer } from './serializer.js';
import type { MessageForm } from './message-form.js';
import { shareClass } from '../copies/shared-class.js';

/** Passes messages through: text as string, binary as Buffer, in both directions. The default, as in the originals. */
export class RawSerializer extends Serializer {
  override readonly name: string = 'raw';

  /**
   * Gives strings and bytes (any view, any `ArrayBuffer`) as they are.
   * @throws TypeError for anything else, for an event, and for the pool of Node's Buffers.
   */
  override encode(value: unknown, form?: MessageForm): string | Uint8Array {
    if (form?.event !== undefined) {
      throw new TypeError("the raw serializer knows no events: send(value) takes one value; use serializer: 'json'");
    }
    const data = typeof value === 'string' ? value : asBytes(value);
    if (data !== undefined) return data;
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

shareClass(RawSerializer, 'RawSerializer');
