import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { patient } from '../support/patience.js';
import { BAD, Chance, GOOD, type Persona } from './hostile/personas.js';

const FIXTURE = new URL('./hostile/chaos.fixture.ts', import.meta.url);
const MIB = 1_048_576;
const WARM_UP_MS = 1_200;
const CHAOS_MS = 4_000;
const CLIENTS_AT_A_TIME = 24;
/** The same run again: CHAOS_SEED=… */
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 2 ** 31);

interface Report {
  readonly established: number;
  readonly finished: number;
  readonly begun: number;
  readonly settled: number;
  readonly announced: number;
  readonly announcedEnds: number;
  readonly refused: number;
  readonly faults: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  readonly sockets: number;
  readonly open: number;
  readonly channel: number;
}

const PERSONAS: readonly (readonly [string, Persona])[] = [
  ...Object.entries(BAD),
  // One client in three behaves.
  ...Array.from({ length: Math.ceil(Object.keys(BAD).length / 4) }, () => Object.entries(GOOD)).flat(),
];

/** Lets clients of all kinds come and go for a time; gives how often each kind came. */
async function unleash(child: ChildApp, chance: Chance, durationMs: number): Promise<Map<string, number>> {
  const visits = new Map<string, number>();
  const faults: string[] = [];
  const end = performance.now() + durationMs;
  const visitor = async (): Promise<void> => {
    while (performance.now() < end && child.exit === undefined) {
      const [name, persona] = chance.one(PERSONAS);
      await persona(child.port, chance).catch((error: unknown) => faults.push(`${name}: ${String(error)}`));
      visits.set(name, (visits.get(name) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS_AT_A_TIME }, visitor));
  expect({ faults, seed: SEED }).toEqual({ faults: [], seed: SEED });
  return visits;
}

let reports = 0;

async function report(child: ChildApp): Promise<Report> {
  const name = `report${(reports += 1)}`;
  child.tell({ report: name });
  return (await child.heard(name)) as Report;
}

/** Reports again and again until everything has ended, or as long as that may take. */
async function settledReport(child: ChildApp): Promise<Report> {
  const end = performance.now() + patient(5_000);
  for (;;) {
    const last = await report(child);
    const isSettled = last.sockets === 0 && last.finished === last.established && last.begun === last.settled;
    if (isSettled || performance.now() > end || child.exit !== undefined) return last;
  }
}

describe('under good and bad clients', () => {
  it(
    'serves the good, outlives the bad, balances every counter and gives all memory back',
    async () => {
      await using child = await ChildApp.start(FIXTURE);
      const chance = new Chance(SEED);
      await unleash(child, chance, WARM_UP_MS);
      const before = await settledReport(child);
      const visits = await unleash(child, chance, CHAOS_MS);
      const after = await settledReport(child);

      const { established, begun, refused } = after;
      expect({ ...after, seed: SEED }).toMatchObject({
        finished: established,
        announced: established,
        announcedEnds: established,
        settled: begun,
        faults: 0,
        sockets: 0,
        open: 0,
        channel: 0,
        seed: SEED,
      });
      expect(established - before.established).toBeGreaterThan(50);
      expect(refused).toBeGreaterThan(before.refused);
      expect([...visits.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(100);
      for (const name of Object.keys(GOOD)) expect(visits.get(name)).toBeGreaterThan(0);

      expect(after.heapUsed - before.heapUsed).toBeLessThan(4 * MIB);
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(4 * MIB);

      const newcomer = await connect(new URL(`http://127.0.0.1:${child.port}`), '/ws/chaos');
      await newcomer.send('echo at last');
      expect(await newcomer.next()).toBe('echo at last');
      await newcomer.terminate();
      expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
      expect(child.stderr).toBe('');
    },
    patient(40_000),
  );
});
