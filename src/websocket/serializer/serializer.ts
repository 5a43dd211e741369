/**
 * Turns application values into messages and back. A subclass may be given as a class (built by Nest's injector) or as
 * an object.
 *
 * Both methods are synchronous and run on the hot path. A throw in `decode` is a bad message of the peer: it gets a
 * structured error. A throw in `encode` is a fault of the application: the handler's error policy applies.
 *
 * @example
 * ```ts
 * export class HexSerializer extends Serializer {
 *   override encode(value: unknown): string {
 *     return Buffer.from(String(value)).toString('hex');
 *   }
 *
 *   override decode(data: string | Buffer, isBinary: boolean): string {
 *     if (isBinary) throw new UnsupportedDataError();
 *     return Buffer.from(String(data), 'hex').toString();
 *   }
 * }
 * ```
 */
export abstract class Serializer {
  /**
   * Encodes one value. A string leaves as a text message, bytes as a binary one (RFC 6455 §5.6).
   *
   * Runs once for any number of receivers. A `Buffer` given to `send` never comes here: it is sent as it is.
   *
   * @throws anything, for a value that has no form; the caller gets a `MessageEncodingError` with it as the cause.
   */
  abstract encode(value: unknown): string | Uint8Array;

  /**
   * Decodes one message: text arrives as a string, binary as a Buffer.
   *
   * @throws UnsupportedDataError to refuse this kind of message altogether (close 1003).
   */
  abstract decode(data: string | Buffer, isBinary: boolean): unknown;
}

/** Names of the serializers that come with the library. */
export type BuiltInSerializer = 'raw' | 'json';
