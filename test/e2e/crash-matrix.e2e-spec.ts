import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { describeNest } from '../support/nest-features.js';
import { patient } from '../support/patience.js';
import { MATRIX, renderMatrix, STAGES } from './crash-matrix/matrix.js';
import { SECRET } from './crash-matrix/misbehaviour.js';
import { FAULT_ID, observe } from './crash-matrix/trial.js';

const LIBRARY = new URL('./crash-matrix/library.fixture.ts', import.meta.url);
const STOCK = new URL('./crash-matrix/stock.fixture.ts', import.meta.url);
const DOCUMENT = new URL('./crash-matrix.md', import.meta.url);

// A slow machine needs its time to start an application.
const TIMEOUT_MS = patient(30_000);

const CELLS = STAGES.flatMap((stage) =>
  MATRIX.flatMap(({ title, trials, library, stock }) => {
    const trial = trials[stage];
    return trial ? [{ stage, title, trial, library: library[stage], stock: stock[stage] }] : [];
  }),
);

/** The application under test: the same process as long as it lives, and one more that starts meanwhile. */
class Relay {
  readonly #fixture: URL;
  #current: Promise<ChildApp> | undefined;
  #next: Promise<ChildApp> | undefined;

  constructor(fixture: URL) {
    this.#fixture = fixture;
  }

  async living(expectedToDie: boolean): Promise<ChildApp> {
    const current = await this.#current;
    if (!current || current.exit) {
      this.#current = this.#next ?? ChildApp.start(this.#fixture);
      this.#next = undefined;
    }
    if (expectedToDie && !this.#next) {
      this.#next = ChildApp.start(this.#fixture);
      this.#next.catch(() => undefined);
    }
    return this.#current ?? ChildApp.start(this.#fixture);
  }
}

describe('a fault of a handler of this library', () => {
  const relay = new Relay(LIBRARY);

  it.each(CELLS)(
    'ends nothing, in $stage: $title',
    async ({ trial, library, stage }) => {
      const child = await relay.living(false);
      const { outcome, seen, facts, stderr } = await observe(child, trial);
      expect({ outcome, stderr }).toEqual({ outcome: library, stderr: expect.not.stringContaining('[child-guard]') });
      expect(facts).toEqual({ pid: child.pid, catchAlls: 0 });
      expect(seen.join()).not.toContain(SECRET);
      if (library === 'answers error') {
        expect(seen.map((text): unknown => JSON.parse(text))).toEqual([
          { event: 'error', id: FAULT_ID, data: { code: expect.any(String), message: expect.any(String) } },
          // Behind a handler of the connection that fails, the method runs and answers as ever.
          ...(trial.culprit === 'onMessage' ? [{ event: 'fault', id: FAULT_ID }] : []),
          { event: 'echo', data: 'still there' },
        ]);
      }
      if (stage === 'establish' && library === 'closes 1011') expect(seen).toHaveLength(1);
    },
    TIMEOUT_MS,
  );
});

// What a stock gateway does, the table says for Nest 12.
describeNest('gatewayExceptions', () => {
  describe('a fault of a handler of a stock gateway', () => {
    const relay = new Relay(STOCK);

    it.each(CELLS)(
      'has the outcome "$stock", in $stage: $title',
      async ({ trial, stock }) => {
        const child = await relay.living(stock === 'process ends');
        const { outcome, stderr } = await observe(child, trial);
        expect({ outcome, stderr }).toEqual({ outcome: stock, stderr: expect.any(String) });
        if (stock !== 'process ends') return;
        expect(child.exit).toEqual({ code: 1, signal: null });
        expect(stderr).toMatch(/\[child-guard\] (uncaughtException|unhandledRejection)/);
      },
      TIMEOUT_MS,
    );
  });
});

it('has the matrix in crash-matrix.md; WRITE_CRASH_MATRIX=1 writes it', async () => {
  if (process.env['WRITE_CRASH_MATRIX'] === '1') await writeFile(DOCUMENT, renderMatrix());
  expect(await readFile(DOCUMENT, 'utf8')).toBe(renderMatrix());
});
