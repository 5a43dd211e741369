import { dialectOf } from '../load/dialect.js';
import type { Pair } from '../processes/pair.js';
import { connectionCountBecomes } from './connection-count.js';
import { ALL_SERVERS, type Sample, type Workload } from './workload.js';

const HANDSHAKES_PER_BATCH = 500;

/** TCP accept, HTTP upgrade and whatever a contender sets up for a connection; its end is not counted. */
export function handshakeWorkload(): Workload {
  return {
    name: 'handshake',
    title: 'handshakes, no guards, 64 at a time',
    unit: 'handshake',
    compared: ['cpuUs'],
    contenders: ALL_SERVERS,
    connections: HANDSHAKES_PER_BATCH,
    freshPairs: false,
    prepare: async () => {},
    measure: measureHandshakes,
  };
}

async function measureHandshakes(pair: Pair, durationMs: number): Promise<Sample> {
  let handshakes = 0;
  let cpuUs = 0;
  let waitedUs = 0;
  let loadCpuUs = 0;
  let elapsedMs = 0;
  const endMs = performance.now() + durationMs;
  do {
    const loadBefore = await pair.load.ask('usage', []);
    const before = await pair.server.ask('usage', []);
    await pair.load.ask('open', [dialectOf(pair.contender, 'echo'), pair.port, HANDSHAKES_PER_BATCH]);
    await connectionCountBecomes(pair, HANDSHAKES_PER_BATCH);
    const after = await pair.server.ask('usage', []);
    const loadAfter = await pair.load.ask('usage', []);
    await pair.load.ask('reset', []);
    await connectionCountBecomes(pair, 0);
    handshakes += HANDSHAKES_PER_BATCH;
    cpuUs += after.cpuUs - before.cpuUs;
    waitedUs += after.waitedUs - before.waitedUs;
    loadCpuUs += loadAfter.cpuUs - loadBefore.cpuUs;
    elapsedMs += after.atMs - before.atMs;
  } while (performance.now() < endMs);
  return {
    cpuUs: cpuUs / handshakes,
    perCpuSecond: (handshakes / cpuUs) * 1e6,
    perSecond: (handshakes / elapsedMs) * 1000,
    serverBusy: cpuUs / 1000 / elapsedMs,
    serverWaited: waitedUs / 1000 / elapsedMs,
    loadBusy: loadCpuUs / 1000 / elapsedMs,
  };
}
