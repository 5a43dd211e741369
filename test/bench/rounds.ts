import type { ContenderName } from './contenders/contender.js';
import type { Cores } from './processes/cores.js';
import { type Entrant, Pair } from './processes/pair.js';
import type { Sample, Workload } from './workloads/workload.js';

/** What all contenders showed on one question, round by round. */
export interface WorkloadResult {
  readonly workload: Workload;
  readonly samples: ReadonlyMap<ContenderName, readonly Sample[]>;
}

interface RunOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly cores: Cores;
}

/**
 * Runs one workload: each round measures every contender once, in random order, so that a disturbance of the machine
 * meets all of them or, over the rounds, each as likely as the other.
 */
export async function runWorkload(
  workload: Workload,
  entrants: readonly Entrant[],
  options: RunOptions,
): Promise<WorkloadResult> {
  const runners = entrants
    .filter(({ name }) => workload.contenders.includes(name))
    .map((entrant) => new Runner(workload, entrant, options));
  try {
    // Round 0 opens and warms up; what it measures is thrown away.
    for (let round = 0; round <= options.rounds; round += 1) {
      for (const runner of shuffled(runners)) await runner.round(round);
    }
  } finally {
    await Promise.all(runners.map(async (runner) => runner.end()));
  }
  return { workload, samples: new Map(runners.map(({ name, samples }) => [name, samples])) };
}

/** One contender through the rounds of one workload. */
class Runner {
  readonly name: ContenderName;
  readonly samples: Sample[] = [];
  readonly #workload: Workload;
  readonly #entrant: Entrant;
  readonly #options: RunOptions;
  #pair: Pair | undefined;

  constructor(workload: Workload, entrant: Entrant, options: RunOptions) {
    this.name = entrant.name;
    this.#workload = workload;
    this.#entrant = entrant;
    this.#options = options;
  }

  async round(round: number): Promise<void> {
    const { freshPairs } = this.#workload;
    if (freshPairs && round === 0) return;
    const pair = this.#pair ?? (await this.#prepare());
    const sample = await this.#workload.measure(pair, this.#options.seconds * 1000);
    if (round > 0) this.samples.push(sample);
    if (freshPairs) await this.end();
  }

  async end(): Promise<void> {
    const pair = this.#pair;
    this.#pair = undefined;
    await pair?.end();
  }

  async #prepare(): Promise<Pair> {
    this.#pair = await Pair.start(this.#entrant, this.#options.cores);
    await this.#workload.prepare(this.#pair);
    return this.#pair;
  }
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
