import { refuseLate } from '../async/at-once.js';
import { isPromiseLike } from '../async/maybe-promise.js';
import { ConfigurationError, UnsupportedDataError } from '../errors/plack-websocket.error.js';
import { isBytes } from './bytes.js';
import { ENVELOPE, wrap } from './envelope.js';
import { JsonEnvelope, type JsonEnvelopeOptions } from './json-envelope.js';
import { Serializer } from './serializer.js';
import type { MessageForm } from './message-form.js';
import { shareClass } from '../copies/shared-class.js';

/** What a `JsonSerializer` does otherwise than by default. */
export interface JsonSerializerOptions extends JsonEnvelopeOptions {
  /**
   * Shapes each value before it is written: replies, items of streams, sends, broadcasts and errors alike, once for each
   * encoding. Synchronous; a throw or a promise is an encoding error. Default: none.
   */
  readonly transform?: (value: unknown) => unknown;
}

/**
 * JSON in text messages. Binary messages are refused with 1003; take them with `@OnMessage({ binary: true })`.
 *
 * @example
 * ```ts
 * // { "type": "say", "payload": "Hello", "requestId": 7 }
 * new JsonSerializer({ event: 'type', data: 'payload', id: 'requestId' });
 * // { "type": "say", "text": "Hello" }
 * new JsonSerializer({ event: 'type', data: 'rest' });
 * // What class-transformer excludes leaves in no message.
 * new JsonSerializer({ transform: instanceToPlain });
 * ```
 */
export class JsonSerializer extends Serializer {
  override readonly name: string = 'json';
  readonly #envelope: JsonEnvelope | undefined;
  readonly #transform: ((value: unknown) => unknown) | undefined;

  /**
   * @param options the names of an event's members, default `{ event, data, id }`, and a transform.
   * @throws ConfigurationError for a name that is not a text, or that two members share, for a transform that is not a function,
   * and for an unknown option.
   */
  constructor({ transform, ...envelope }: JsonSerializerOptions = {}) {
    super();
    if (transform !== undefined && typeof transform !== 'function') {
      throw new ConfigurationError(
        'new JsonSerializer({ transform }): a function of the value, such as instanceToPlain.',
      );
    }
    this.#transform = transform;
    if (Object.keys(envelope).length > 0) this.#envelope = new JsonEnvelope(envelope);
  }

  /**
   * Writes JSON text.
   * @param form how it is sent; without it the value is written as it is.
   * @throws TypeError for what JSON cannot carry: `undefined`, functions, BigInt, cycles; the data of an event that is bytes.
   */
  override encode(value: unknown, form?: MessageForm): string {
    if (form?.kind === 'push' && form.event !== undefined && isBytes(value)) {
      throw new TypeError('JSON has no form for bytes in an event; send them alone, or as text');
    }
    const shaped = this.#transform === undefined ? value : shape(this.#transform, value);
    const text = JSON.stringify(form === undefined ? shaped : this.#wrap(shaped, form)) as string | undefined;
    if (text === undefined) throw new TypeError(`JSON has no form for ${typeof shaped}`);
    return text;
  }

  /** @internal It has a transform. */
  get isShaping(): boolean {
    return this.#transform !== undefined;
  }

  /** @internal What a message with an event looks like, for errors. */
  get form(): string {
    return this.#envelope?.form ?? ENVELOPE;
  }

  #wrap(value: unknown, form: MessageForm): unknown {
    return this.#envelope === undefined ? wrap(value, form) : this.#envelope.write(value, form);
  }

  /**
   * Reads JSON text.
   * @throws UnsupportedDataError for binary messages, SyntaxError for text that is not JSON.
   */
  override decode(data: string | Buffer, isBinary: boolean): unknown {
    if (isBinary) throw new UnsupportedDataError();
    const message: unknown = JSON.parse(data as string);
    return this.#envelope === undefined ? message : this.#envelope.read(message);
  }
}

/** Before the envelope, which may copy the members of a value and so lose its class. */
function shape(transform: (value: unknown) => unknown, value: unknown): unknown {
  const shaped = transform(value);
  if (isPromiseLike(shaped)) throw refuseLate(shaped, 'the transform of a JsonSerializer');
  return shaped;
}

shareClass(JsonSerializer, 'JsonSerializer');
