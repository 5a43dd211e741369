import { describe, expect, it } from '@jest/globals';
import { codeOf, readPage, tableAfter } from '../../support/pages.js';

const PAGE = readPage('docs/internals/speed.md');

const measured = tableAfter('### Targets', readPage('test/bench/README.md'));

/** The median of a target that the last run judged; the first metric where a workload has several. */
function medianOf(workload: string, against: string): string | undefined {
  const row = measured.find((one) => one['workload'] === workload && one['against'] === against);
  return /^[\d.]+/.exec(row?.['measured'] ?? '')?.[0];
}

describe('the figures in README.md', () => {
  it('are the smallest and the largest of the messages that both answer', () => {
    const [, least, most] = /\| ([\d.]+) to (\d+) times as much CPU/.exec(readPage('README.md').text) ?? [];
    const ratios = ['json-echo/1/64', 'json-echo/16/64', 'checked-echo/1/64'].map(
      (name) => 1 / Number(medianOf(name, '× platform-ws')),
    );
    expect([Math.min(...ratios).toFixed(1), Math.max(...ratios).toFixed(0)]).toEqual([least, most]);
  });
});

describe('the figures in docs/internals/speed.md', () => {
  it('are those of the last run of the bench', () => {
    const rows = tableAfter('<!-- table: bench -->', PAGE);
    expect(rows.length).toBeGreaterThan(5);
    for (const { workload, ws, platform } of rows) {
      const name = codeOf(workload);
      expect([name, ws, platform]).toEqual([
        name,
        medianOf(name, '× ws') ?? '–',
        medianOf(name, '× platform-ws') ?? '–',
      ]);
    }
  });

  it('name the hold of the event loop that was measured', () => {
    const [, heldMs] = /holds the event loop for ([\d.]+) ms/.exec(PAGE.text) ?? [];
    expect(heldMs).toBe(medianOf('hold/5000', 'itself'));
  });
});
