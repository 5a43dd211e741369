/** Identifier of a request message that comes back on its reply. */
export type MessageId = string | number;

/** What a value is sent as. */
export interface MessageForm {
  /**
   * `push`: the application sends by itself. `reply`: it answers a message. `error`: it tells what went wrong with one; the
   * value is `{ code, message, details? }`.
   */
  readonly kind: 'push' | 'reply' | 'error';
  /** The event that is sent, or the one that is answered. `undefined` for a value without one. */
  readonly event?: string | undefined;
  /** The identifier of the message that is answered; `undefined` when it had none. */
  readonly id?: string | number | undefined;
}
