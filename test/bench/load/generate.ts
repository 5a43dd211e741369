import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { answerCommands, type Usage, usage } from '../processes/commands.js';
import { ConnectionPool } from './connection-pool.js';
import { DeliveryLoad, type DeliveryOrder, type DeliveryResult } from './delivery-load.js';
import type { Dialect } from './dialect.js';
import { EchoLoad, type EchoOrder, type EchoResult } from './echo-load.js';
import { serverFrame } from './frames.js';

// The process that loads one server: `node generate.js`.

const REPLY_TIMEOUT_MS = 5_000;
const DELIVERY_TIMEOUT_MS = 30_000;
/** What a process has open besides its connections. */
const OWN_FILES = 64;

export interface ProbeOrder {
  /** The client frame, base64. */
  readonly frame: string;
  readonly reply: string;
}

export class LoadCommands {
  readonly #pool = new ConnectionPool();
  #delivery: DeliveryLoad | undefined;

  async open(dialect: Dialect, port: number, count: number): Promise<void> {
    if (count + OWN_FILES > maxOpenFiles()) throw new Error(`${count} connections need a larger "ulimit -n"`);
    await this.#pool.open(dialect, port, count);
  }

  usage(): Usage {
    return usage();
  }

  /** Sends one message and compares the reply byte by byte; the measured runs then compare lengths only. */
  async probe(dialect: Dialect, order: ProbeOrder): Promise<void> {
    const [connection] = this.#pool.connections;
    if (connection === undefined) throw new Error('no connection to probe');
    const frame = Buffer.from(order.frame, 'base64');
    const expected = dialect.echoesFrames ? frame : serverFrame(order.reply);
    const replied = new Promise<void>((resolve) => {
      connection.expect(Buffer.byteLength(order.reply), { framesArrived: () => resolve() });
    });
    const chunks = connection.tap();
    connection.write(frame);
    await this.#pool.guard(withTimeout(replied, REPLY_TIMEOUT_MS, () => 'a message was not answered'));
    connection.untap();
    const reply = Buffer.concat(chunks);
    if (!reply.equals(expected))
      throw new Error(`answered ${reply.toString('latin1')} instead of ${expected.toString('latin1')}`);
  }

  async echo(order: EchoOrder): Promise<EchoResult> {
    return this.#pool.guard(new EchoLoad(this.#pool.connections, order).run());
  }

  expectDelivery(order: DeliveryOrder): void {
    this.#delivery = new DeliveryLoad(this.#pool.connections, order);
  }

  async delivered(): Promise<DeliveryResult> {
    const delivery = this.#delivery;
    if (delivery === undefined) throw new Error('no delivery is expected');
    return this.#pool.guard(withTimeout(delivery.delivered(), DELIVERY_TIMEOUT_MS, () => delivery.progress()));
  }

  reset(): void {
    this.#pool.reset();
  }
}

async function withTimeout<Result>(work: Promise<Result>, ms: number, complaint: () => string): Promise<Result> {
  const ended = new AbortController();
  const late = pause(ms, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`${complaint()} in ${ms} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}

function maxOpenFiles(): number {
  try {
    // Node raised the soft limit to the hard one when it started.
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

answerCommands(new LoadCommands());
