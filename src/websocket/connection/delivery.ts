/**
 * Whether a message to many was handed to the backplane, or why not: `no` where there is nothing to hand over (no backplane,
 * `here`, no other node), `away` while the engine cannot be reached, `too large` for the engine, `not ready` before the start and
 * after the stop of the application.
 */
export type Relayed = 'no' | 'yes' | 'away' | 'too large' | 'not ready';

/**
 * The result of a message to many: how many connections it was for, got it, and were left out. The three numbers count
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
  /** Whether other nodes get it; without a backplane `no`. */
  readonly relayed: Relayed;
}

/** Without a backplane there is nothing to say about other nodes, so the member is inherited and not written into JSON. */
const HERE_ONLY: { readonly relayed: Relayed } = { relayed: 'no' };

/** Makes the result for this process; `relayed` where there is a backplane. */
export function deliveryOf(matched: number, sent: number, relayed?: Relayed): Delivery {
  const counts = { matched, sent, dropped: matched - sent };
  return relayed === undefined
    ? (Object.assign(Object.create(HERE_ONLY) as object, counts) as Delivery)
    : { ...counts, relayed };
}
