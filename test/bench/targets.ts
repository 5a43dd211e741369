import type { ContenderName } from './contenders/contender.js';
import type { WorkloadResult } from './rounds.js';
import { ratios, type Spread, spread } from './statistics.js';
import type { Metric } from './workloads/workload.js';

/** A promise of ours: at most so much, or at most so many times what another contender needs. */
interface Target {
  readonly workload: string;
  readonly metric: Metric;
  /** Who is measured, when it is not `ours`. */
  readonly of?: ContenderName;
  readonly against?: ContenderName;
  readonly atMost: number;
}

const TARGETS: readonly Target[] = [
  { workload: 'raw-echo/1/64', metric: 'cpuUs', against: 'ws', atMost: 1 },
  { workload: 'raw-echo/16/64', metric: 'cpuUs', against: 'ws', atMost: 0.17 },
  { workload: 'json-echo/1/64', metric: 'cpuUs', against: 'ws', atMost: 1 },
  { workload: 'json-echo/1/64', metric: 'cpuUs', against: 'platform-ws', atMost: 0.67 },
  { workload: 'json-echo/16/64', metric: 'cpuUs', against: 'ws', atMost: 0.33 },
  { workload: 'json-echo/16/64', metric: 'cpuUs', against: 'platform-ws', atMost: 0.2 },
  { workload: 'checked-echo/1/64', metric: 'cpuUs', against: 'ws', atMost: 1.15 },
  { workload: 'checked-echo/1/64', metric: 'cpuUs', against: 'platform-ws', atMost: 0.6 },
  { workload: 'json-parts/1/64', metric: 'cpuUs', of: 'parts', against: 'ours', atMost: 1.05 },
  { workload: 'broadcast/1000x10', metric: 'cpuUs', against: 'ws', atMost: 0.2 },
  { workload: 'hold/5000', metric: 'holdMaxMs', atMost: 10 },
  { workload: 'hold/5000', metric: 'holdCpuMs', atMost: 10 },
  { workload: 'hold/5000x10', metric: 'holdMaxMs', atMost: 10 },
  { workload: 'hold/5000x10', metric: 'holdCpuMs', atMost: 10 },
  { workload: 'idle/10000', metric: 'rssKiB', against: 'ws', atMost: 1.5 },
  { workload: 'idle/10000', metric: 'rssKiB', against: 'platform-ws', atMost: 0.7 },
  { workload: 'idle/10000', metric: 'heapKiB', against: 'ws', atMost: 1.5 },
  { workload: 'idle/10000', metric: 'heapKiB', against: 'platform-ws', atMost: 0.7 },
  { workload: 'handshake', metric: 'cpuUs', against: 'ws', atMost: 1.15 },
  { workload: 'handshake', metric: 'cpuUs', against: 'platform-ws', atMost: 0.8 },
];

export interface Verdict {
  readonly target: Target;
  readonly value: Spread;
  readonly met: boolean;
}

/** Judges the targets that this run has something to say about. */
export function judge(results: readonly WorkloadResult[]): Verdict[] {
  return TARGETS.flatMap((target) => {
    const result = results.find(({ workload }) => workload.name === target.workload);
    const value = result === undefined ? undefined : valueOf(result, target);
    return value === undefined ? [] : [{ target, value, met: value.median <= target.atMost }];
  });
}

function valueOf(result: WorkloadResult, { metric, of = 'ours', against }: Target): Spread | undefined {
  return against === undefined ? summary(result, of, metric) : ratioOf(result, metric, of, against);
}

/** Undefined where the contender did not take part or has no such metric. */
export function summary(result: WorkloadResult, contender: ContenderName, metric: Metric): Spread | undefined {
  const values = valuesOf(result, contender, metric);
  return values.length === 0 ? undefined : spread(values);
}

export function ratioOf(
  result: WorkloadResult,
  metric: Metric,
  contender: ContenderName,
  against: ContenderName,
): Spread | undefined {
  const values = valuesOf(result, contender, metric);
  const references = valuesOf(result, against, metric);
  return values.length === 0 || references.length === 0 ? undefined : ratios(values, references);
}

function valuesOf({ samples }: WorkloadResult, contender: ContenderName, metric: Metric): number[] {
  return (samples.get(contender) ?? []).flatMap((sample) => sample[metric] ?? []);
}
