import type { ContenderName } from './contenders/contender.js';
import type { Machine } from './machine.js';
import type { WorkloadResult } from './rounds.js';
import type { Spread } from './statistics.js';
import { judge, ratioOf, summary } from './targets.js';
import { type Metric, METRICS } from './workloads/workload.js';

/** A server that ran, or wanted to, for less than this part of the time was waiting for something else than its core. */
const AT_LIMIT = 0.9;
/** Characters of the longest line of a page. */
const WIDEST = 160;
const REFERENCES: readonly ContenderName[] = ['ws', 'platform-ws', 'base'];

/** The whole report as Markdown, the same for a terminal and for the README. */
export function reportMarkdown(
  machine: Machine,
  results: readonly WorkloadResult[],
  run: { rounds: number; seconds: number },
): string {
  return [machineLines(machine, run), targetTable(results), ...results.map(workloadTable)]
    .filter((part) => part !== '')
    .join('\n\n');
}

function machineLines(machine: Machine, run: { rounds: number; seconds: number }): string {
  return [
    `- Node ${machine.node}, commit ${machine.commit}${machine.base === undefined ? '' : `, base ${machine.base}`}`,
    `- ${machine.cpu}, ${machine.system}; ${machine.pinned}; load average before ${machine.loadBefore}`,
    `- ${machine.versions}`,
    `- ${run.rounds} interleaved rounds of ${run.seconds} s; every number is the median over the rounds, (min–max) where given`,
  ].join('\n');
}

function targetTable(results: readonly WorkloadResult[]): string {
  const verdicts = judge(results);
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ target, value, met }) => [
    target.workload,
    METRICS[target.metric].heading,
    target.against === undefined ? 'itself' : `× ${target.against}`,
    `≤ ${target.atMost}`,
    withSpread(value, 2),
    met ? 'met' : '**missed**',
  ]);
  return `### Targets\n\n${table(['workload', 'metric', 'against', 'target', 'measured', ''], rows)}`;
}

/** One workload: a row for each contender, the ratios first. */
function workloadTable(result: WorkloadResult): string {
  const { workload, samples } = result;
  const names = [...samples.keys()].toSorted((a, b) => workload.contenders.indexOf(a) - workload.contenders.indexOf(b));
  const known: readonly ContenderName[] = samples.has('parts') ? ['ours'] : REFERENCES;
  const references = known.filter((name) => samples.has(name) && names.length > 1);
  const present = (Object.keys(METRICS) as Metric[]).filter((metric) =>
    names.some((name) => summary(result, name, metric) !== undefined),
  );
  const columns = [
    ...workload.compared.flatMap((metric) => references.map((against) => ratioColumn(result, metric, against))),
    ...present.map((metric) => valueColumn(result, metric)),
    ...(present.includes('serverBusy') ? [limitColumn(result)] : []),
  ];
  const rows = names.map((name) => [name, ...columns.map(({ cell }) => cell(name))]);
  return `### ${workload.name}\n\n${workload.title}; per ${workload.unit}\n\n${table(['', ...columns.map(({ heading }) => heading)], rows)}`;
}

interface Column {
  readonly heading: string;
  readonly cell: (contender: ContenderName) => string;
}

function ratioColumn(result: WorkloadResult, metric: Metric, against: ContenderName): Column {
  const which = result.workload.compared.length > 1 ? `${METRICS[metric].heading} ` : '';
  return {
    heading: `${which}× ${against}`,
    cell: (contender) => {
      const ratio = contender === against ? undefined : ratioOf(result, metric, contender, against);
      return ratio === undefined ? '' : withSpread(ratio, 2);
    },
  };
}

function valueColumn(result: WorkloadResult, metric: Metric): Column {
  const { heading, decimals, compared } = METRICS[metric];
  return {
    heading,
    cell: (contender) => {
      const value = summary(result, contender, metric);
      if (value === undefined) return '';
      return compared ? withSpread(value, decimals) : value.median.toFixed(decimals);
    },
  };
}

/** Says who held up whom. CPU per message stands either way; throughput is the server's own only where it is at its limit. */
function limitColumn(result: WorkloadResult): Column {
  return {
    heading: 'limit',
    cell: (contender) => {
      const waited = summary(result, contender, 'serverWaited')?.median ?? 0;
      const server = waited + (summary(result, contender, 'serverBusy')?.median ?? 0);
      const load = summary(result, contender, 'loadBusy')?.median ?? 0;
      if (server >= AT_LIMIT) return load >= AT_LIMIT ? 'both' : 'server';
      return load >= AT_LIMIT ? 'load' : 'neither';
    },
  };
}

function withSpread({ median, min, max }: Spread, decimals: number): string {
  return `${median.toFixed(decimals)} (${min.toFixed(decimals)}–${max.toFixed(decimals)})`;
}

/** A table that a terminal can show: columns that do not fit go into one more table below, with the first one repeated. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, 3, ...rows.map((row) => row[i]?.length ?? 0)));
  const parts: number[][] = [];
  let width = WIDEST;
  for (const [column, columnWidth = 0] of widths.entries()) {
    if (column === 0) continue;
    width += columnWidth + 3;
    if (width > WIDEST) {
      parts.push([0]);
      width = (widths[0] ?? 0) + columnWidth + 7;
    }
    parts.at(-1)?.push(column);
  }
  const pick = (cells: readonly string[], columns: readonly number[]): string[] => columns.map((i) => cells[i] ?? '');
  return parts
    .map((columns) =>
      paddedTable(
        pick(headings, columns),
        rows.map((row) => pick(row, columns)),
      ),
    )
    .join('\n\n');
}

/** Padded, so that the source of the table is a table as well. */
function paddedTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, 3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(headings), rule, ...rows.map(line)].join('\n');
}
