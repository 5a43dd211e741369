import type { Dialect } from './dialect.js';
import { LoadConnection } from './load-connection.js';

/** How many handshakes are under way at once. */
const CONCURRENT_HANDSHAKES = 64;
/** Below the count of ephemeral ports of one source address; beyond it 127.0.0.2 and its neighbours help out. */
const CONNECTIONS_PER_ADDRESS = 20_000;

/** The open connections of a load process, and the one place that knows whether any of them went wrong. */
export class ConnectionPool {
  readonly connections: LoadConnection[] = [];
  #broken = new Breakage();

  /** Opens connections until there are `count`. */
  async open(dialect: Dialect, port: number, count: number): Promise<void> {
    const missing = count - this.connections.length;
    if (missing <= 0) return;
    await this.guard(
      new Promise<void>((resolve) => {
        let started = 0;
        let opened = 0;
        const next = (): void => {
          if (started === missing) return;
          started += 1;
          this.connections.push(this.#connect(dialect, port, onOpen));
        };
        const onOpen = (): void => {
          opened += 1;
          if (opened === missing) resolve();
          else next();
        };
        for (let i = 0; i < CONCURRENT_HANDSHAKES; i += 1) next();
      }),
    );
  }

  /** Rejects as soon as a connection fails, whatever `work` still waits for. */
  async guard<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([work, this.#broken.promise]);
  }

  reset(): void {
    const ended = this.connections.splice(0);
    // First the promise, then the sockets: what their end reports belongs to nobody any more.
    this.#broken = new Breakage();
    for (const connection of ended) connection.reset();
  }

  #connect(dialect: Dialect, port: number, opened: () => void): LoadConnection {
    const address = Math.floor(this.connections.length / CONNECTIONS_PER_ADDRESS) + 1;
    const source = address > 1 ? { localAddress: `127.0.0.${address}` } : {};
    const broken = this.#broken;
    return new LoadConnection(dialect, { port, ...source }, opened, (error) => broken.report(error));
  }
}

/** A promise that only ever rejects, with the first failure that is reported. */
class Breakage {
  readonly promise: Promise<never>;
  #reject: (error: Error) => void = () => {};

  constructor() {
    this.promise = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    // A failure between two commands is not unhandled: the next command meets it.
    this.promise.catch(() => {});
  }

  report(error: Error): void {
    this.#reject(error);
  }
}
