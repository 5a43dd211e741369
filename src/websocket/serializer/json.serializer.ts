import { UnsupportedDataError } from '../errors/plack-websocket.error.js';
import { Serializer } from './serializer.js';

/** JSON in text messages. Binary messages are refused with 1003; take them with `@OnMessage({ binary: true })`. */
export class JsonSerializer extends Serializer {
  /**
   * Writes JSON text.
   * @throws TypeError for what JSON cannot carry: `undefined`, functions, BigInt, cycles.
   */
  override encode(value: unknown): string {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}`);
    return text;
  }

  /**
   * Reads JSON text.
   * @throws UnsupportedDataError for binary messages, SyntaxError for what is no JSON.
   */
  override decode(data: string | Buffer, isBinary: boolean): unknown {
    if (isBinary) throw new UnsupportedDataError();
    return JSON.parse(data as string);
  }
}
