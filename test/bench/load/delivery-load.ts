import { monotonicMs, type Usage, usage } from '../processes/commands.js';
import { percentile } from '../statistics.js';
import type { FrameListener, LoadConnection } from './load-connection.js';

export interface DeliveryOrder {
  readonly payloadLength: number;
  readonly framesPerConnection: number;
}

/** The moments are of the clock that all processes share, so they compare with the server's. */
export interface DeliveryResult {
  readonly p50AtMs: number;
  readonly p99AtMs: number;
  readonly lastAtMs: number;
  readonly loadCpuUs: number;
}

/** Counts what a broadcast brings to each connection; sends nothing. */
export class DeliveryLoad {
  readonly #count: number;
  readonly #frames: number;
  readonly #completedAtMs: number[] = [];
  readonly #before: Usage = usage();
  readonly #done: Promise<void>;
  #finished: () => void = () => {};
  #arrived = 0;

  constructor(connections: readonly LoadConnection[], order: DeliveryOrder) {
    this.#count = connections.length;
    this.#frames = order.framesPerConnection;
    this.#done = new Promise((resolve) => {
      this.#finished = resolve;
    });
    for (const connection of connections)
      connection.expect(order.payloadLength, new Receiver(this, order.framesPerConnection));
  }

  async delivered(): Promise<DeliveryResult> {
    await this.#done;
    const sorted = this.#completedAtMs;
    return {
      // Completed in the order of time, hence sorted already.
      p50AtMs: percentile(sorted, 0.5),
      p99AtMs: percentile(sorted, 0.99),
      lastAtMs: percentile(sorted, 1),
      loadCpuUs: usage().cpuUs - this.#before.cpuUs,
    };
  }

  progress(): string {
    return `${this.#arrived} of ${this.#count * this.#frames} messages arrived`;
  }

  arrived(count: number, complete: boolean): void {
    this.#arrived += count;
    if (!complete) return;
    this.#completedAtMs.push(monotonicMs());
    if (this.#completedAtMs.length === this.#count) this.#finished();
  }
}

class Receiver implements FrameListener {
  readonly #load: DeliveryLoad;
  #missing: number;

  constructor(load: DeliveryLoad, frames: number) {
    this.#load = load;
    this.#missing = frames;
  }

  framesArrived(count: number): void {
    this.#missing -= count;
    if (this.#missing < 0) throw new Error('a broadcast arrived more than once');
    this.#load.arrived(count, this.#missing === 0);
  }
}
