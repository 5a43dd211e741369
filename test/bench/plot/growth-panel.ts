import type { ContenderName } from '../contenders/contender.js';
import type { WorkloadResult } from '../rounds.js';
import { summary } from '../targets.js';
import { curve, legend, line, mark, type Panel, text, WIDTH } from './svg.js';

const SHOWN: readonly ContenderName[] = ['ours', 'base', 'ws', 'platform-ws', 'socket.io'];
const TOP = 60;
const HEIGHT = 200;
const LEFT = 60;
const GAP = 70;
const PLOT_WIDTH = (WIDTH - LEFT - GAP - 30) / 2;
const STEPS = [1, 2, 5, 10, 20, 50, 100];
const MAX_LINES = 6;

interface Series {
  readonly contender: ContenderName;
  readonly points: readonly { connections: number; cpuUs: number }[];
}

/** What a message and a delivery cost over the number of connections, side by side. */
export function growthPanel(results: readonly WorkloadResult[]): Panel | undefined {
  const message = seriesOf(results, 'growth-message');
  const broadcast = seriesOf(results, 'growth-broadcast');
  if (message.length === 0 && broadcast.length === 0) return undefined;
  const names = SHOWN.filter((name) => [...message, ...broadcast].some(({ contender }) => contender === name));
  const body = [
    drawing(LEFT, 'CPU µs per message, by open connections', message),
    drawing(LEFT + PLOT_WIDTH + GAP, 'CPU µs per delivery, by receivers', broadcast),
    legend(names, LEFT, TOP + HEIGHT + 52),
  ];
  return { height: TOP + HEIGHT + 76, body: body.join('\n') };
}

function seriesOf(results: readonly WorkloadResult[], group: string): Series[] {
  const members = results.filter(({ workload }) => workload.name.startsWith(`${group}/`));
  return SHOWN.flatMap((contender) => {
    const points = members.flatMap((result) => {
      const cpuUs = summary(result, contender, 'cpuUs')?.median;
      return cpuUs === undefined ? [] : [{ connections: result.workload.connections, cpuUs }];
    });
    return points.length === 0 ? [] : [{ contender, points }];
  });
}

function drawing(left: number, title: string, series: readonly Series[]): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return '';
  const sizes = [...new Set(points.map(({ connections }) => connections))].toSorted((a, b) => a - b);
  const top = Math.max(...points.map(({ cpuUs }) => cpuUs)) * 1.05;
  const low = Math.log(sizes[0] ?? 1);
  const width = Math.max(Math.log(sizes.at(-1) ?? 10) - low, 1);
  const x = (connections: number): number => left + ((Math.log(connections) - low) / width) * PLOT_WIDTH;
  const y = (cpuUs: number): number => TOP + HEIGHT - (cpuUs / top) * HEIGHT;
  const step = STEPS.find((candidate) => top / candidate <= MAX_LINES) ?? top;
  const levels = Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step);
  return [
    text(left, TOP - 24, title, { kind: 'title' }),
    ...levels.map(
      (level) =>
        line(left, y(level), left + PLOT_WIDTH, y(level)) +
        text(left - 8, y(level) + 4, String(level), { anchor: 'end', kind: 'faint' }),
    ),
    ...sizes.map((size) =>
      text(x(size), TOP + HEIGHT + 20, size.toLocaleString('en'), { anchor: 'middle', kind: 'faint' }),
    ),
    ...series.map(({ contender, points: own }) => {
      const marks = own.map(({ connections, cpuUs }) =>
        mark(contender, x(connections), y(cpuUs), `${contender}: ${cpuUs.toFixed(2)} µs at ${connections}`),
      );
      return (
        curve(
          contender,
          own.map(({ connections, cpuUs }) => [x(connections), y(cpuUs)]),
        ) + marks.join('')
      );
    }),
  ].join('\n');
}
