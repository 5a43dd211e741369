import type { Connection } from '../../connection/connection.js';

/** Identifier of a request message that comes back on its reply. */
export type MessageId = string | number;

/** How replies to one message look on the wire: plain, or `{ event, data, id? }`. */
export interface ReplyForm {
  readonly event: string | undefined;
  readonly id: MessageId | undefined;
}

export const PLAIN_REPLY: ReplyForm = { event: undefined, id: undefined };

/** Sends one reply; `undefined` is none. @throws MessageEncodingError */
export function sendReply(connection: Connection, value: unknown, form: ReplyForm): void {
  if (value !== undefined) connection.dispatch(encodeReply(connection, value, form));
}

/** As `sendReply`; settles when the socket took it. Rejects with MessageEncodingError. */
export async function sendReplyAndWait(connection: Connection, value: unknown, form: ReplyForm): Promise<void> {
  if (value !== undefined) await connection.dispatchAndTell(encodeReply(connection, value, form));
}

function encodeReply(connection: Connection, value: unknown, form: ReplyForm): string | Uint8Array {
  return connection.encode(form.event === undefined ? value : toEvent(value, form.event, form.id));
}

/** Wraps a value as an event; a value that already is one (Nest's `WsResponse`) keeps its name. */
function toEvent(value: unknown, event: string, id: MessageId | undefined): unknown {
  // Bytes are never wrapped: they leave as a binary message.
  if (value instanceof Uint8Array) return value;
  if (isEvent(value)) return id === undefined || 'id' in value ? value : { ...value, id };
  return id === undefined ? { event, data: value } : { event, data: value, id };
}

function isEvent(value: unknown): value is { event: string; data: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'event' in value &&
    typeof value.event === 'string' &&
    'data' in value
  );
}

/** Reads the `id` of a message; anything but a number or a short string is no identifier. */
export function readId(message: unknown): MessageId | undefined {
  if (typeof message !== 'object' || message === null || !('id' in message)) return undefined;
  const { id } = message;
  if (typeof id === 'string') return id.length <= 128 ? id : undefined;
  return typeof id === 'number' ? id : undefined;
}
