import type { MessageForm } from '../serializer/message-form.js';

/** The message that an error came from: the third parameter of `@OnError`. */
export interface FailedMessage {
  /** The message as it came, bounded by `limits.maxPayloadBytes`: a string for text, a `Buffer` for binary. */
  readonly raw: string | Buffer;
  /** The event that the message names; `undefined` where none of the handlers is for it, or it could not be read. */
  readonly event: string | undefined;
  /** The id of the message; of one that could not be decoded, the `id` of the error that the serializer threw. */
  readonly id: MessageForm['id'];
}
