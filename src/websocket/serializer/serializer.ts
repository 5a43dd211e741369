import { shareClass } from '../copies/shared-class.js';
import type { MessageForm } from './message-form.js';

/** What a serializer may know of the connection that a message came from. It is the `Connection` itself. */
export interface MessageSource {
  readonly id: string;
  /** The subprotocol in use, empty when none was agreed on. */
  readonly protocol: string;
  readonly user: unknown;
  readonly data: object;
}

/**
 * Turns application values into messages and back. It owns the envelope: how an event, its data and its id look on the wire.
 * A subclass may be given as a class (built by Nest's injector) or as an object.
 *
 * Both methods are synchronous and run on the hot path. A throw in `decode` is a bad message of the peer: it gets a
 * structured error, under the id that the thrown error has as its `id`, where it has one. A throw in `encode` is a fault of
 * the application: the handler's error policy applies.
 *
 * @example
 * ```ts
 * // Calls as [2, id, event, data], answers as [3, id, data], errors as [4, id, code, message].
 * export class CallSerializer extends Serializer {
 *   override readonly name = 'call';
 *
 *   override encode(value: unknown, { kind, event, id }: MessageForm): string {
 *     if (kind === 'reply') return JSON.stringify([3, id, value]);
 *     if (kind === 'push') return JSON.stringify([2, randomUUID(), event, value]);
 *     const { code, message } = value as { code: string; message: string };
 *     return JSON.stringify([4, id, code, message]);
 *   }
 *
 *   override decode(text: string | Buffer, isBinary: boolean): unknown {
 *     if (isBinary) throw new UnsupportedDataError();
 *     const [, id, event, data] = JSON.parse(String(text)) as [number, string, string, unknown];
 *     return { event, data, id };
 *   }
 * }
 * ```
 */
export abstract class Serializer {
  /**
   * Tells encodings apart, in log lines and between processes. Default: none, and lines name the class. A plain object needs
   * it to own the envelope: without a name, its `encode` is called with the value alone, with any number of parameters.
   */
  readonly name?: string;

  /**
   * Encodes one value. A string leaves as a text message, bytes as a binary one (RFC 6455 §5.6).
   *
   * A method that declares both parameters gets what the application gave, without any envelope. One that declares the value
   * alone is called with it alone, as `{ event, data, id? }` where it is an event, a reply to one, or an error.
   *
   * Runs once for any number of receivers. Bytes given to `send(value)`, or returned by a handler, never come here: they are
   * sent as they are. The data of an event may be bytes. What is returned is copied, so the same buffer may serve for all
   * values. Anything else than a string or bytes, a promise too, is treated as a throw; a rejection of that promise is
   * harmless.
   *
   * @throws anything, for a value that has no form; the caller gets a `MessageEncodingError` with it as the cause.
   */
  abstract encode(value: unknown, form: MessageForm): string | Uint8Array;

  /**
   * Decodes one message: text arrives as a string, binary as a Buffer that has an `ArrayBuffer` of its own. For
   * `@OnMessage('event')` it gives `{ event, data, id? }`, under these names. A promise is a fault of the application: the handler's error policy applies, and the peer is told `internal_error`.
   *
   * @throws UnsupportedDataError to refuse this kind of message altogether (close 1003).
   */
  abstract decode(data: string | Buffer, isBinary: boolean, connection: MessageSource): unknown;
}

shareClass(Serializer, 'Serializer');

/** A serializer that leaves the envelope of events to the library: what its `encode` gets is `{ event, data, id? }`. */
export interface ValueSerializer {
  encode(value: unknown): string | Uint8Array;
  decode(data: string | Buffer, isBinary: boolean): unknown;
}

/** Names of the serializers that come with the library. */
export type BuiltInSerializer = 'raw' | 'json';
