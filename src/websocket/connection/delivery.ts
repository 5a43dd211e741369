/**
 * The result of a message to many: how many connections it was for, got it, and were left out. All three numbers count
 * connections of this process.
 */
export interface Delivery {
  /** Connections of this process the message was meant for: `sent` and `dropped` together. */
  readonly matched: number;
  /** Connections of this process that it was given to; counted at the call, before the peer can have it. */
  readonly sent: number;
  /**
   * Connections of this process that did not read (`limits.overflow`), began to close during the call, or have a serializer
   * that cannot encode the value.
   */
  readonly dropped: number;
}
