import type { ServedConnection } from '../../connection/served-connection.js';
import type { MessageForm } from '../../serializer/message-form.js';

/** The form of a reply to a message without an event. */
export const PLAIN_REPLY: MessageForm = { kind: 'reply', event: undefined, id: undefined };

/**
 * Sends what a handler gave: `undefined` sends nothing, but an event that had an id is answered under it, because its sender
 * waits. @throws MessageEncodingError
 */
export function sendResult(connection: ServedConnection, value: unknown, form: MessageForm): void {
  if (value !== undefined || isAwaited(form)) connection.dispatch(connection.encode(value, form));
}

/** Tells whether the sender of a message waits for the reply to it. */
export function isAwaited({ event, id }: MessageForm): boolean {
  return event !== undefined && id !== undefined;
}

/** Sends one reply; `undefined` is none. @throws MessageEncodingError */
export function sendReply(connection: ServedConnection, value: unknown, form: MessageForm): void {
  if (value !== undefined) connection.dispatch(connection.encode(value, form));
}

/** As `sendReply`; the promise settles when the socket took it. @throws MessageEncodingError */
export function sendReplyAndTell(
  connection: ServedConnection,
  value: unknown,
  form: MessageForm,
): Promise<boolean> | undefined {
  return value === undefined ? undefined : connection.dispatchAndTell(connection.encode(value, form));
}
