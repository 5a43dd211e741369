import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { patient } from '../support/patience.js';
import { POSITIONS } from './faults/positions.js';
import { COMBINATIONS, nameOf, play, type Combination } from './faults/trial.js';

const FIXTURE = new URL('./faults/faults.fixture.ts', import.meta.url);
/** At one time, so that waits of one are work for others. */
const CLIENTS = 16;
/** In the suite, one of so many; `npm run test:faults` plays all. */
const SAMPLED = process.env['FAULTS'] === 'all' ? 1 : 12;
const TIMEOUT_MS = patient(process.env['FAULTS'] === 'all' ? 120_000 : 30_000);

interface Counts {
  readonly established: number;
  readonly left: number;
  readonly finished: number;
  readonly open: number;
}

let asked = 0;

/** What the application counted, once all of its connections are over. */
async function balance(child: ChildApp): Promise<Counts | undefined> {
  const until = Date.now() + patient(5_000);
  for (;;) {
    const id = ++asked;
    child.tell({ count: id });
    const counts = (await child.heard(`counted ${id}`)) as Counts | undefined;
    const isSettled = counts?.open === 0 && counts.established === counts.finished;
    if (counts === undefined || isSettled || Date.now() > until) return counts;
    await child.settled();
  }
}

/** Plays combinations side by side; gives what was wrong. */
async function playAll(child: ChildApp, combinations: readonly Combination[]): Promise<string[]> {
  const waiting = [...combinations];
  const wrong: string[] = [];
  const player = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined && child.exit === undefined; next = waiting.pop()) {
      const problem = await play(child, next);
      if (problem !== undefined) wrong.push(`${nameOf(next)}: ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, player));
  return wrong;
}

it('there are enough of them to mean something', () => {
  expect(COMBINATIONS.length).toBeGreaterThan(1_500);
});

describe.each(POSITIONS)('whatever comes out of the %s', (position) => {
  // Spread over values and ways: neither of their numbers divides the step.
  const combinations = COMBINATIONS.filter(({ at }, index) => at === position && index % SAMPLED === 0);

  it(
    'ends nothing: every peer gets an answer, every establish has its finish, nothing stays behind',
    async () => {
      await using child = await ChildApp.start(FIXTURE);
      const wrong = await playAll(child, combinations);
      expect({ wrong, stderr: child.stderr }).toEqual({ wrong: [], stderr: '' });
      const counts = await balance(child);
      expect(counts).toMatchObject({ open: 0, finished: counts?.established, left: counts?.established });
      expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
    },
    TIMEOUT_MS,
  );
});
