/** Anything that holds bytes in queues; tells how many right now. */
export interface ByteHolder {
  readonly queuedBytes: number;
}

/**
 * Bytes that all connections together may hold in queues. Holders report when their share changes; between two reports
 * a share can only be too high, because sockets drain by themselves, so before saying no the sum is taken anew.
 */
export class ByteBudget {
  readonly #shares = new Map<ByteHolder, number>();
  #used = 0;

  constructor(readonly maxBytes: number) {}

  /** Bytes held as last reported. */
  get used(): number {
    return this.#used;
  }

  /** Whether that many bytes more would be too many. */
  refuses(bytes: number): boolean {
    if (this.#used + bytes <= this.maxBytes) return false;
    for (const holder of this.#shares.keys()) this.report(holder, holder.queuedBytes);
    return this.#used + bytes > this.maxBytes;
  }

  /** Sets the share of a holder; a share of nothing is forgotten. */
  report(holder: ByteHolder, bytes: number): void {
    this.#used += bytes - (this.#shares.get(holder) ?? 0);
    if (bytes === 0) this.#shares.delete(holder);
    else this.#shares.set(holder, bytes);
  }
}
