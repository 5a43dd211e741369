import type { ContenderName } from '../contenders/contender.js';
import type { WorkloadResult } from '../rounds.js';
import type { Spread } from '../statistics.js';
import { ratioOf } from '../targets.js';
import { METRICS, type Metric } from '../workloads/workload.js';
import { legend, line, mark, type Panel, text, whisker, WIDTH } from './svg.js';

const LEFT = 230;
const RIGHT = WIDTH - 30;
const TOP = 84;
const ROW = 22;
const REFERENCE: ContenderName = 'ws';
const SHOWN: readonly ContenderName[] = ['ours', 'base', 'platform-ws', 'socket.io'];
const TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];

/** Drawn as curves, in a panel of their own. */
const GROWTH = 'growth-';

interface Dot {
  readonly contender: ContenderName;
  readonly ratio: Spread;
}

/** Every workload on one line, every contender a mark: how many times what raw `ws` needs. Logarithmic, as ratios are. */
export function ratioPanel(results: readonly WorkloadResult[]): Panel | undefined {
  const rows = results
    .filter(({ workload }) => !workload.name.startsWith(GROWTH))
    .flatMap((result) =>
      result.workload.compared.map((metric) => ({ label: labelOf(result, metric), dots: dotsOf(result, metric) })),
    );
  const shown = rows.filter(({ dots }) => dots.length > 0);
  if (shown.length === 0) return undefined;
  const x = scale(shown.flatMap(({ dots }) => dots.flatMap(({ ratio }) => [ratio.min, ratio.max])));
  const bottom = TOP + shown.length * ROW;
  const grid = x.ticks.map(
    (tick) =>
      line(x.of(tick), TOP - 8, x.of(tick), bottom, tick === 1 ? 'one' : 'grid') +
      text(x.of(tick), TOP - 14, tick === 1 ? 'raw ws' : `${tick}×`, { anchor: 'middle', kind: 'faint' }),
  );
  const lines = shown.map(({ label, dots }, row) => {
    const y = TOP + row * ROW + ROW / 2;
    const marks = dots.map(({ contender, ratio }) => {
      const tooltip = `${label}: ${contender} ${ratio.median.toFixed(2)} times raw ws (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`;
      return whisker(contender, x.of(ratio.min), x.of(ratio.max), y) + mark(contender, x.of(ratio.median), y, tooltip);
    });
    return text(LEFT - 16, y + 4, label, { anchor: 'end' }) + marks.join('');
  });
  const title = text(24, 30, 'What the server pays, against raw ws in the same run (to the left is cheaper)', {
    kind: 'title',
  });
  const names = SHOWN.filter((name) => shown.some(({ dots }) => dots.some(({ contender }) => contender === name)));
  return { height: bottom + 24, body: [title, legend(names, LEFT, 52), ...grid, ...lines].join('\n') };
}

function dotsOf(result: WorkloadResult, metric: Metric): Dot[] {
  return SHOWN.flatMap((contender) => {
    const ratio = ratioOf(result, metric, contender, REFERENCE);
    return ratio === undefined ? [] : [{ contender, ratio }];
  });
}

function labelOf({ workload }: WorkloadResult, metric: Metric): string {
  return metric === 'cpuUs' ? workload.name : `${workload.name} ${METRICS[metric].heading.replace(/ (ms|KiB)$/, '')}`;
}

function scale(values: readonly number[]): { of(value: number): number; ticks: number[] } {
  const low = Math.log(Math.min(0.5, ...values) * 0.9);
  const high = Math.log(Math.max(2, ...values) * 1.1);
  const of = (value: number): number => LEFT + ((Math.log(value) - low) / (high - low)) * (RIGHT - LEFT);
  return { of, ticks: TICKS.filter((tick) => Math.log(tick) >= low && Math.log(tick) <= high) };
}
