import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs, usage } from '../processes/commands.js';
import { percentile } from '../statistics.js';
import type { FrameListener, LoadConnection } from './load-connection.js';

export interface EchoOrder {
  /** The complete client frame, base64, since orders travel as JSON. */
  readonly frame: string;
  readonly replyLength: number;
  /** Messages in flight on a connection that is active. */
  readonly inFlight: number;
  /** How many connections are active at a time; the others wait for their turn. */
  readonly active: number;
  /** `burst`: the next messages leave when the last reply is in. `sliding`: one leaves for each reply. */
  readonly refill: 'burst' | 'sliding';
  readonly durationMs: number;
}

export interface EchoResult {
  readonly messages: number;
  readonly elapsedMs: number;
  readonly loadCpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A clock read per message would be a good part of what the generator does at all. */
const SAMPLE_EVERY = 8;
const MAX_SAMPLES = 1 << 16;
/** How long a reply too many has to show up after the last one. */
const SURPLUS_MS = 10;

/** A closed loop: as many messages in flight as ordered, never more, until the time is over and all are answered. */
export class EchoLoad {
  readonly #refillAtOnce: boolean;
  readonly #durationMs: number;
  readonly #inFlight: number;
  /** `#batches[n]` is n frames in one piece, sent with one write. */
  readonly #batches: readonly Buffer[];
  readonly #lanes: readonly EchoLane[];
  readonly #active: number;
  readonly #idle: EchoLane[] = [];
  #nextIdle = 0;
  readonly #latencies = new Float64Array(MAX_SAMPLES);
  #samples = 0;
  #sends = 0;
  #answered = 0;
  #unanswered = 0;
  #stopping = false;
  #finished: () => void = () => {};

  constructor(connections: readonly LoadConnection[], order: EchoOrder) {
    const frame = Buffer.from(order.frame, 'base64');
    const all = Buffer.concat(Array.from({ length: order.inFlight }, () => frame));
    this.#batches = Array.from({ length: order.inFlight + 1 }, (_, n) => all.subarray(0, n * frame.length));
    this.#refillAtOnce = order.refill === 'sliding';
    this.#durationMs = order.durationMs;
    this.#inFlight = order.inFlight;
    this.#lanes = connections.map((connection) => new EchoLane(this, connection));
    this.#active = Math.min(order.active, connections.length);
    for (const lane of this.#lanes) lane.connection.expect(order.replyLength, lane);
  }

  async run(): Promise<EchoResult> {
    const before = usage();
    const finished = new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
    const timer = setTimeout(() => {
      this.#stopping = true;
    }, this.#durationMs);
    this.#lanes.forEach((lane, i) => {
      if (i < this.#active) this.#send(lane, this.#inFlight);
      else this.#idle.push(lane);
    });
    await finished;
    clearTimeout(timer);
    const after = usage();
    await pause(SURPLUS_MS);
    const latencies = this.#latencies.slice(0, Math.min(this.#samples, MAX_SAMPLES)).sort();
    return {
      messages: this.#answered,
      elapsedMs: after.atMs - before.atMs,
      loadCpuUs: after.cpuUs - before.cpuUs,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  }

  answered(lane: EchoLane, count: number): void {
    this.#answered += count;
    this.#unanswered -= count;
    lane.unanswered -= count;
    if (lane.unanswered < 0) throw new Error('more replies came than were asked for');
    if (lane.sampledAtMs > 0) this.#sampleEnd(lane, count);
    if (this.#stopping) {
      if (this.#unanswered === 0) this.#finished();
    } else if (lane.unanswered === 0 || this.#refillAtOnce) {
      this.#send(this.#nextLane(lane), this.#inFlight - lane.unanswered);
    }
  }

  /** Passes the turn in a ring, so that in a growth run all connections are touched, not just the first. */
  #nextLane(lane: EchoLane): EchoLane {
    const next = this.#idle[this.#nextIdle];
    if (next === undefined || lane.unanswered > 0) return lane;
    this.#idle[this.#nextIdle] = lane;
    this.#nextIdle = (this.#nextIdle + 1) % this.#idle.length;
    return next;
  }

  #send(lane: EchoLane, count: number): void {
    const batch = this.#batches[count];
    if (batch === undefined) throw new Error('got more replies than messages were sent');
    lane.unanswered += count;
    this.#unanswered += count;
    this.#sends += 1;
    if (lane.sampledAtMs === 0 && this.#sends % SAMPLE_EVERY === 0) {
      lane.sampledAtMs = monotonicMs();
      lane.untilSample = lane.unanswered;
    }
    lane.connection.write(batch);
  }

  /** A sample ends with the reply to the last message of the batch it began with. */
  #sampleEnd(lane: EchoLane, count: number): void {
    lane.untilSample -= count;
    if (lane.untilSample > 0) return;
    this.#latencies[this.#samples % MAX_SAMPLES] = monotonicMs() - lane.sampledAtMs;
    this.#samples += 1;
    lane.sampledAtMs = 0;
  }
}

class EchoLane implements FrameListener {
  readonly connection: LoadConnection;
  unanswered = 0;
  untilSample = 0;
  sampledAtMs = 0;
  readonly #load: EchoLoad;

  constructor(load: EchoLoad, connection: LoadConnection) {
    this.#load = load;
    this.connection = connection;
  }

  framesArrived(count: number): void {
    this.#load.answered(this, count);
  }
}
