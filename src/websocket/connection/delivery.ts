/** What became of a message to many: how many connections it was for, got it, and were left out. */
export interface Delivery {
  /** Connections the message was meant for. */
  readonly matched: number;
  /** Connections whose socket took it. */
  readonly sent: number;
  /** Connections that were closing, or did not read (`limits.overflow`). */
  readonly dropped: number;
}
