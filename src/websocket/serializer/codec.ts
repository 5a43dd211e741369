import { isUint8Array } from 'node:util/types';
import { handleQuietly, refuseLate } from '../async/at-once.js';
import { isPromiseLike } from '../async/maybe-promise.js';
import { asBytes } from './bytes.js';
import { ENVELOPE, readData, readOwnEvent, wrap } from './envelope.js';
import { JsonSerializer } from './json.serializer.js';
import { warnOfLoss } from './loss-check.js';
import type { MessageSource, Serializer } from './serializer.js';
import type { MessageForm } from './message-form.js';

/** The endpoint class, for messages. */
interface Named {
  readonly name: string;
}

/**
 * Encodes a value and checks what came out: anything else than text and bytes would only fail in the frame writer, where it
 * has no owner any more.
 *
 * @throws what `encode` throws; TypeError for what is neither a string nor bytes, and for a promise in place of the value.
 */
function encodeWith(serializer: Serializer, value: unknown, form: MessageForm, endpoint: Named): string | Uint8Array {
  if (typeof value === 'object' && isPromiseLike(value)) {
    handleQuietly(value);
    throw new TypeError('a promise was given to be sent; await it first');
  }
  if (serializer instanceof JsonSerializer && !serializer.isShaping) warnOfLoss(value, endpoint);
  const encoded: unknown = encodeAs(serializer, value, form);
  if (typeof encoded === 'string' || isUint8Array(encoded)) return encoded;
  const method = `${nameOf(serializer)}.encode of ${endpoint.name}`;
  if (isPromiseLike(encoded)) throw refuseLate(encoded, method);
  throw new TypeError(`${method} gave ${kindOf(encoded)}, neither a string nor bytes`);
}

/**
 * Encodes what the application sends: bytes as they are, everything else by the serializer.
 * @throws as `encodeWith`.
 */
export function encodeMessage(
  serializer: Serializer,
  value: unknown,
  form: MessageForm,
  endpoint: Named,
): string | Uint8Array {
  const bytes = form.kind === 'push' && form.event !== undefined ? undefined : asBytes(value);
  return bytes ?? encodeWith(serializer, value, form, endpoint);
}

/**
 * Gives a serializer what it expects. One that does not own the envelope gets events in theirs; for the others a reply that
 * names its event by itself (Nest's `WsResponse`) is taken apart. Ours reads it as it is.
 */
function encodeAs(serializer: Serializer, value: unknown, form: MessageForm): unknown {
  // No second argument: `encode` may be a function such as `JSON.stringify`, to which it means something else.
  if (!ownsEnvelope(serializer)) return (serializer.encode as (value: unknown) => unknown)(wrap(value, form));
  const event = form.kind === 'reply' && form.event !== undefined ? readOwnEvent(value) : undefined;
  if (event === undefined || serializer instanceof JsonSerializer) return serializer.encode(value, form);
  return serializer.encode(readData(value), { kind: 'reply', event, id: form.id });
}

/** Functions of other libraries take options as their second parameter, so an object of such functions has to name itself. */
function ownsEnvelope(serializer: Serializer): boolean {
  return serializer.constructor === Object ? typeof serializer.name === 'string' : serializer.encode.length >= 2;
}

/**
 * Decodes a message.
 * @throws what `decode` throws; LateAnswerError for a promise.
 */
export function decodeWith(
  serializer: Serializer,
  data: string | Buffer,
  isBinary: boolean,
  connection: MessageSource & { readonly endpoint: Named },
): unknown {
  const decoded = serializer.decode(data, isBinary, connection);
  if (isPromiseLike(decoded)) {
    throw refuseLate(decoded, `${nameOf(serializer)}.decode of ${connection.endpoint.name}`);
  }
  return decoded;
}

/** What a message of an endpoint looks like. */
export function describeForm(serializer: Serializer): string {
  return serializer instanceof JsonSerializer ? serializer.form : ENVELOPE;
}

/** A serializer may be a plain object. */
function nameOf({ name, constructor }: Serializer): string {
  return name ?? (constructor === Object ? 'serializer' : constructor.name);
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
