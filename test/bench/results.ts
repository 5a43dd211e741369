import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.js';
import type { WorkloadResult } from './rounds.js';
import { judge } from './targets.js';

const BEGIN = '<!-- results: written by npm run bench -->';
const END = '<!-- /results -->';

/** Puts the report between the markers of the README and the plot beside it. */
export async function writeResults(root: string, report: string, plot: string): Promise<void> {
  const directory = join(root, 'test', 'bench');
  const path = join(directory, 'README.md');
  const readme = await readFile(path, 'utf8');
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('test/bench/README.md has lost the markers of its results');
  await writeFile(path, `${readme.slice(0, begin + BEGIN.length)}\n\n${report}\n\n${readme.slice(end)}`);
  await writeFile(join(directory, 'results.svg'), plot);
}

/** Every sample of every round, for whoever wants to compute something else. */
export function resultsJson(machine: Machine, results: readonly WorkloadResult[]): string {
  const workloads = results.map(({ workload: { name, title, unit }, samples }) => ({
    name,
    title,
    unit,
    rounds: Object.fromEntries(samples),
  }));
  return `${JSON.stringify({ machine, workloads, targets: judge(results) }, undefined, 2)}\n`;
}
