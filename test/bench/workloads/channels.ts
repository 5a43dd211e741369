import type { ChannelOrder } from '../contenders/contender.js';
import { dialectOf } from '../load/dialect.js';
import type { Pair } from '../processes/pair.js';
import { connectionCountBecomes } from './connection-count.js';
import type { Sample, Workload } from './workload.js';

/** Enough to see what an audience over all of them costs, few enough for the names to be what is measured. */
const CONNECTIONS = 10;
/** Names in one order at least, or the order itself would be what is measured. */
const NAMES_PER_ORDER = 200_000;

const TITLES = {
  setChannels: 'setChannels replaces them all',
  join: 'join, then leave',
  except: `named in except, over ${CONNECTIONS} connections`,
} as const;

/** What a channel costs among ever more of them in one call: the row stays the same where the cost grows with their number. */
export function channelGrowthWorkload(verb: ChannelOrder['verb'], count: number): Workload {
  return {
    name: `growth-${verb.toLowerCase()}/${count}`,
    title: `${count} channels of one connection: ${TITLES[verb]}`,
    unit: 'channel',
    compared: ['cpuUs'],
    contenders: ['ours', 'base'],
    connections: CONNECTIONS,
    freshPairs: false,
    prepare: async (pair) => {
      await pair.load.ask('open', [dialectOf(pair.contender, 'news'), pair.port, CONNECTIONS]);
      await connectionCountBecomes(pair, CONNECTIONS);
    },
    measure: async (pair, durationMs) => measureChannels(pair, verb, count, durationMs),
  };
}

async function measureChannels(
  pair: Pair,
  verb: ChannelOrder['verb'],
  count: number,
  durationMs: number,
): Promise<Sample> {
  const times = Math.ceil(NAMES_PER_ORDER / count);
  let [channels, cpuUs, elapsedMs] = [0, 0, 0];
  const endMs = performance.now() + durationMs;
  do {
    const before = await pair.server.ask('usage', []);
    await pair.server.ask('channels', [{ verb, count, times }]);
    const after = await pair.server.ask('usage', []);
    channels += count * times;
    cpuUs += after.cpuUs - before.cpuUs;
    elapsedMs += after.atMs - before.atMs;
  } while (performance.now() < endMs);
  return { cpuUs: cpuUs / channels, perSecond: (channels / elapsedMs) * 1000, serverBusy: cpuUs / 1000 / elapsedMs };
}
