import type { ContenderName } from '../contenders/contender.js';
import type { Pair } from '../processes/pair.js';

/** What one contender showed in one round. */
export type Sample = Partial<Record<Metric, number>>;
export type Metric = keyof typeof METRICS;

/** The columns of the tables: heading, decimals, and whether a ratio against a reference says anything. */
export const METRICS = {
  cpuUs: { heading: 'server CPU µs', decimals: 2, compared: true },
  rssKiB: { heading: 'RSS KiB', decimals: 2, compared: true },
  heapKiB: { heading: 'heap KiB', decimals: 2, compared: true },
  perCpuSecond: { heading: 'per CPU second', decimals: 0, compared: false },
  perSecond: { heading: 'per second', decimals: 0, compared: false },
  holdMaxMs: { heading: 'longest hold ms', decimals: 1, compared: true },
  holdCpuMs: { heading: 'longest hold CPU ms', decimals: 1, compared: true },
  holdP99Ms: { heading: 'hold p99 ms', decimals: 1, compared: false },
  p50Ms: { heading: 'p50 ms', decimals: 2, compared: false },
  p99Ms: { heading: 'p99 ms', decimals: 2, compared: false },
  serverBusy: { heading: 'server', decimals: 2, compared: false },
  serverWaited: { heading: 'waiting', decimals: 2, compared: false },
  loadBusy: { heading: 'load', decimals: 2, compared: false },
} as const;

/** One question to all contenders. */
export interface Workload {
  /** `group/variant…`: `--only` takes any beginning of it that ends with a word. */
  readonly name: string;
  readonly title: string;
  readonly unit: 'message' | 'delivery' | 'connection' | 'handshake' | 'channel';
  /** The metrics whose ratios are reported, the first one in the plot. */
  readonly compared: readonly Metric[];
  readonly contenders: readonly ContenderName[];
  readonly connections: number;
  /** True where a server that has served before would falsify the answer. */
  readonly freshPairs: boolean;
  /** Opens connections and proves that the contender answers correctly. */
  prepare(pair: Pair): Promise<void>;
  /** Measures for about `durationMs`. */
  measure(pair: Pair, durationMs: number): Promise<Sample>;
}

export const ALL_SERVERS: readonly ContenderName[] = ['ours', 'base', 'ws', 'platform-ws', 'socket.io'];
