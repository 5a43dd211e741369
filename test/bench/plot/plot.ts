import type { Machine } from '../machine.js';
import type { WorkloadResult } from '../rounds.js';
import { growthPanel } from './growth-panel.js';
import { ratioPanel } from './ratio-panel.js';
import { type Panel, stack, text } from './svg.js';

/** The picture of a run; questions that were not asked are left out. */
export function plotSvg(machine: Machine, results: readonly WorkloadResult[]): string {
  const source = `Node ${machine.node}, commit ${machine.commit}, ${machine.cpu}; medians over interleaved rounds, the bars from the lowest to the highest round`;
  const footer: Panel = { height: 30, body: text(24, 12, source, { kind: 'faint' }) };
  const panels = [ratioPanel(results), growthPanel(results)].filter((panel) => panel !== undefined);
  return stack('Benchmarks: server CPU against raw ws, and over the number of connections', [...panels, footer]);
}
