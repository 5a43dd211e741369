/** One ping that waits for its answer. */
interface Waiting {
  readonly number: number;
  readonly sentAt: number;
  readonly settle: (roundTripMs: number | undefined) => void;
}

const NUMBER_BYTES = 4;

/** The pings of one connection that wait for their answers. Each has a number in its frame, which the answer repeats. */
export class RoundTrips {
  readonly #waiting: Waiting[] = [];
  #made = 0;

  /** Sends a ping; the promise settles with the milliseconds until its answer, with `undefined` when the connection ends. */
  start(send: (payload: Uint8Array) => void): Promise<number | undefined> {
    this.#made = (this.#made + 1) >>> 0;
    const number = this.#made;
    const payload = Buffer.alloc(NUMBER_BYTES);
    payload.writeUInt32BE(number);
    return new Promise((settle) => {
      this.#waiting.push({ number, sentAt: performance.now(), settle });
      send(payload);
    });
  }

  /** A pong was read. A peer may answer the latest ping alone (RFC 6455 §5.5.3); what answers no ping of these is ignored. */
  answer(payload: Buffer): void {
    if (payload.length !== NUMBER_BYTES) return;
    const number = payload.readUInt32BE();
    const place = this.#waiting.findIndex((ping) => ping.number === number);
    const now = performance.now();
    for (const { sentAt, settle } of this.#waiting.splice(0, place + 1)) settle(now - sentAt);
  }

  /** The socket is closed. */
  stop(): void {
    for (const { settle } of this.#waiting.splice(0)) settle(undefined);
  }
}
