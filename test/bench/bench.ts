import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BaseCommit, libraryUrlIn } from './base-commit.js';
import { describeMachine } from './machine.js';
import { type BenchOptions, readOptions } from './options.js';
import { chooseCores } from './processes/cores.js';
import type { Entrant } from './processes/pair.js';
import { plotSvg } from './plot/plot.js';
import { reportMarkdown } from './report.js';
import { resultsJson, writeResults } from './results.js';
import { runWorkload, type WorkloadResult } from './rounds.js';
import { catalogue } from './workloads/catalogue.js';
import type { Workload } from './workloads/workload.js';

// Compiled to test/bench/.out, so the root of the package is three folders up.
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

async function main(options: BenchOptions): Promise<void> {
  const workloads = chooseWorkloads(options);
  if (options.list) {
    process.stdout.write(`${workloads.map(({ name, title }) => `${name.padEnd(24)} ${title}`).join('\n')}\n`);
    return;
  }
  const ours = libraryUrlIn(ROOT);
  const needsBuild =
    options.contenders.includes('ours') && workloads.some(({ contenders }) => contenders.includes('ours'));
  if (needsBuild && !existsSync(fileURLToPath(ours))) throw new Error('no build of ours: run "npm run build"');
  const base = options.base === undefined ? undefined : await BaseCommit.checkOut(ROOT, options.base);
  if (base !== undefined) undoings.push(async () => base.remove());
  try {
    if (base !== undefined) progress(`building ${base.commit}`);
    await base?.build();
    const entrants = options.contenders.map((name) => ({
      name,
      libraryUrl: name === 'base' ? base?.libraryUrl : ours,
    }));
    await measure(options, workloads, entrants, base?.commit);
  } finally {
    await base?.remove();
  }
}

async function measure(
  options: BenchOptions,
  workloads: readonly Workload[],
  entrants: readonly Entrant[],
  base?: string,
): Promise<void> {
  const cores = chooseCores();
  const machine = describeMachine(ROOT, cores, base?.slice(0, 7));
  if (cores.server === undefined) progress(`processes are ${machine.pinned}`);
  const results: WorkloadResult[] = [];
  for (const [i, workload] of workloads.entries()) {
    progress(`${i + 1}/${workloads.length} ${workload.name}`);
    const result = await runWorkload(workload, entrants, { ...options, cores });
    results.push(result);
  }
  const report = reportMarkdown(machine, results, options);
  process.stdout.write(options.json ? resultsJson(machine, results) : `${report}\n`);
  if (options.write) await writeResults(ROOT, report, plotSvg(machine, results));
}

function chooseWorkloads(options: BenchOptions): Workload[] {
  const chosen = catalogue(options).filter(
    ({ name, connections, contenders }) =>
      connections <= options.maxConnections &&
      (options.only?.some((part) => isPartOf(name, part)) ?? true) &&
      contenders.some((contender) => options.contenders.includes(contender)),
  );
  if (chosen.length === 0) throw new Error('no workload is left; --list names them');
  return chosen;
}

/** Whole words only, so that `broadcast/1000` is not `broadcast/1000x10` as well. */
function isPartOf(name: string, part: string): boolean {
  return name === part || name.startsWith(`${part}/`) || name.startsWith(`${part}-`);
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What a signal has to undo; children end with the process itself. */
const undoings: (() => Promise<void>)[] = [];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    void Promise.allSettled(undoings.map(async (undo) => undo())).then(() => process.exit(130));
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options !== undefined) await main(options);
} catch (error) {
  progress(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
