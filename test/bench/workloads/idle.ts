import { dialectOf } from '../load/dialect.js';
import type { Pair } from '../processes/pair.js';
import { connectionCountBecomes } from './connection-count.js';
import { ALL_SERVERS, type Sample, type Workload } from './workload.js';

/** Opened and ended again before the first look at the memory, so that what is set up once is set up. */
const REHEARSAL = 100;

/** What an open connection costs that nobody speaks on. */
export function idleWorkload(connections: number): Workload {
  return {
    name: `idle/${connections}`,
    title: `memory per idle connection, ${connections} connections, after gc()`,
    unit: 'connection',
    compared: ['rssKiB', 'heapKiB'],
    contenders: ALL_SERVERS,
    connections,
    freshPairs: true,
    prepare: rehearse,
    measure: async (pair) => measureIdle(pair, connections),
  };
}

async function rehearse(pair: Pair): Promise<void> {
  await pair.load.ask('open', [dialectOf(pair.contender, 'echo'), pair.port, REHEARSAL]);
  await pair.load.ask('reset', []);
  await connectionCountBecomes(pair, 0);
}

async function measureIdle(pair: Pair, connections: number): Promise<Sample> {
  const before = await pair.server.ask('memory', []);
  await pair.load.ask('open', [dialectOf(pair.contender, 'echo'), pair.port, connections]);
  await connectionCountBecomes(pair, connections);
  const after = await pair.server.ask('memory', []);
  const perConnection = (bytes: number): number => bytes / connections / 1024;
  return {
    rssKiB: perConnection(after.rssBytes - before.rssBytes),
    heapKiB: perConnection(after.heapBytes - before.heapBytes),
  };
}
