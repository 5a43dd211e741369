import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How often the measurement starts anew, in milliseconds: what is older says nothing about now. */
const WINDOW_MS = 500;

/** Watches how late the event loop is. */
export class EventLoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  #timer: NodeJS.Timeout | undefined;
  #currentMs = 0;

  start(): void {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      // The histogram counts the time between two ticks of its timer, so its own 10 ms are part of every value.
      this.#currentMs = this.#histogram.percentile(90) / 1e6;
      this.#histogram.reset();
    }, WINDOW_MS);
    this.#timer.unref();
  }

  /** Delay of the last half second, in milliseconds. */
  get currentMs(): number {
    return this.#currentMs;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }
}
