import { compose, dialectOf, type Speech } from '../load/dialect.js';
import type { EchoOrder } from '../load/echo-load.js';
import { maskedFrame } from '../load/frames.js';
import type { Pair } from '../processes/pair.js';
import { ALL_SERVERS, type Sample, type Workload } from './workload.js';

const CONNECTIONS = 50;
const PATIENCE_MS = 30_000;

/** What differs between the echo workloads. */
export interface EchoShape {
  readonly group: string;
  readonly speech: Exclude<Speech, 'news'>;
  readonly bytes: number;
  readonly inFlight: number;
  readonly refill: EchoOrder['refill'];
}

export function echoWorkload(shape: EchoShape): Workload {
  return {
    name: `${shape.group}/${shape.inFlight}/${shape.bytes}`,
    title: `${titleOf(shape.speech)}, ${shape.bytes} B, ${shape.inFlight} in flight on each of ${CONNECTIONS} connections`,
    unit: 'message',
    compared: ['cpuUs'],
    // Neither stock gateway has a raw mode: they answer events only.
    contenders: shape.speech === 'raw' ? ['ours', 'base', 'ws'] : ALL_SERVERS,
    connections: CONNECTIONS,
    freshPairs: false,
    prepare: async (pair) => prepareEcho(pair, shape, CONNECTIONS),
    measure: async (pair, durationMs) => measureEcho(pair, { ...shape, active: CONNECTIONS, durationMs }),
  };
}

/** The event of one class of an endpoint beside the same one in one of three parts. */
export function partsWorkload(refill: EchoOrder['refill']): Workload {
  const workload = echoWorkload({ group: 'json-parts', speech: 'echo', bytes: 64, inFlight: 1, refill });
  const title = `JSON event echo, 64 B, 1 in flight: an endpoint of one class, and one of three parts`;
  return { ...workload, title, contenders: ['ours', 'parts'] };
}

/** The load against a server without WebSocket work: what the generator itself can do. */
export function ceilingWorkload(inFlight: number, bytes: number): Workload {
  const workload = echoWorkload({ group: 'ceiling', speech: 'echo', bytes, inFlight, refill: 'burst' });
  const title = `the load generator's own ceiling: TCP echo, ${bytes} B, ${inFlight} in flight`;
  return { ...workload, title, contenders: ['tcp'] };
}

/** Ten messages in flight over ever more connections: only their number grows. */
export function messageGrowthWorkload(connections: number): Workload {
  const shape = { group: 'growth-message', speech: 'echo', bytes: 64, inFlight: 1, refill: 'burst' } as const;
  return {
    ...echoWorkload(shape),
    name: `growth-message/${connections}`,
    title: `JSON event echo, 64 B, ten in flight over ${connections} connections in turn`,
    connections,
    prepare: async (pair) => prepareEcho(pair, shape, connections),
    measure: async (pair, durationMs) => measureEcho(pair, { ...shape, active: 10, durationMs }),
  };
}

async function prepareEcho(pair: Pair, { speech, bytes }: EchoShape, connections: number): Promise<void> {
  const dialect = dialectOf(pair.contender, speech);
  await pair.load.ask('open', [dialect, pair.port, connections]);
  const { wire } = compose(pair.contender, speech, bytes);
  await pair.load.ask('probe', [dialect, { frame: maskedFrame(wire).toString('base64'), reply: wire }]);
}

type EchoSlice = EchoShape & Pick<EchoOrder, 'active' | 'durationMs'>;

async function measureEcho(pair: Pair, slice: EchoSlice): Promise<Sample> {
  const { wire } = compose(pair.contender, slice.speech, slice.bytes);
  const order: EchoOrder = {
    frame: maskedFrame(wire).toString('base64'),
    replyLength: slice.bytes,
    inFlight: slice.inFlight,
    active: slice.active,
    refill: slice.refill,
    durationMs: slice.durationMs,
  };
  // Nothing is in flight at either look at the clock, so every message counts whole.
  const before = await pair.server.ask('usage', []);
  const result = await pair.load.ask('echo', [order], slice.durationMs + PATIENCE_MS);
  const after = await pair.server.ask('usage', []);
  const cpuUs = after.cpuUs - before.cpuUs;
  const elapsedUs = result.elapsedMs * 1000;
  return {
    cpuUs: cpuUs / result.messages,
    perSecond: (result.messages / elapsedUs) * 1e6,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    serverBusy: cpuUs / elapsedUs,
    serverWaited: (after.waitedUs - before.waitedUs) / elapsedUs,
    loadBusy: result.loadCpuUs / elapsedUs,
  };
}

function titleOf(speech: EchoShape['speech']): string {
  if (speech === 'raw') return 'raw echo';
  return speech === 'echo' ? 'JSON event echo' : 'JSON event echo with a guard, a pipe and an interceptor';
}
