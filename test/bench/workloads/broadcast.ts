import { compose, dialectOf } from '../load/dialect.js';
import type { DeliveryResult } from '../load/delivery-load.js';
import type { Pair } from '../processes/pair.js';
import { ALL_SERVERS, type Sample, type Workload } from './workload.js';

const PAYLOAD_BYTES = 64;
/** So many deliveries at least for one order, or the order itself would be what is measured. */
const DELIVERIES_PER_ORDER = 1_000;

interface BroadcastShape {
  readonly receivers: number;
  readonly burst: number;
  /** Watching the event loop costs CPU of its own, so it has a workload of its own. */
  readonly watchLoop: boolean;
}

export function broadcastWorkload(receivers: number, burst: number): Workload {
  const name = `broadcast/${receivers}${burst > 1 ? `x${burst}` : ''}`;
  const title = `broadcast of ${PAYLOAD_BYTES} B to ${receivers} receivers, ${burst > 1 ? `${burst} in one turn` : 'one at a time'}`;
  return workload(name, title, { receivers, burst, watchLoop: false });
}

export function loopHoldWorkload(receivers: number, burst: number): Workload {
  const name = `hold/${receivers}${burst > 1 ? `x${burst}` : ''}`;
  const title = `event loop during a broadcast to ${receivers} receivers${burst > 1 ? `, ${burst} in one turn` : ''}`;
  return { ...workload(name, title, { receivers, burst, watchLoop: true }), compared: ['holdMaxMs', 'holdCpuMs'] };
}

export function broadcastGrowthWorkload(receivers: number): Workload {
  const title = `broadcast of ${PAYLOAD_BYTES} B over ${receivers} connections`;
  return workload(`growth-broadcast/${receivers}`, title, { receivers, burst: 1, watchLoop: false });
}

function workload(name: string, title: string, shape: BroadcastShape): Workload {
  return {
    name,
    title,
    unit: 'delivery',
    compared: ['cpuUs'],
    contenders: ALL_SERVERS,
    connections: shape.receivers,
    freshPairs: false,
    prepare: async (pair) => pair.load.ask('open', [dialectOf(pair.contender, 'news'), pair.port, shape.receivers]),
    measure: async (pair, durationMs) => measureBroadcasts(pair, shape, durationMs),
  };
}

async function measureBroadcasts(pair: Pair, shape: BroadcastShape, durationMs: number): Promise<Sample> {
  const times = Math.ceil(DELIVERIES_PER_ORDER / (shape.receivers * shape.burst));
  const deliveries = shape.receivers * shape.burst * times;
  const sum = { deliveries: 0, cpuUs: 0, waitedUs: 0, loadCpuUs: 0, elapsedMs: 0, p50Ms: 0, p99Ms: 0 };
  let holdMaxMs = 0;
  let holdCpuMs = 0;
  let holdP99Ms = 0;
  let orders = 0;
  const endMs = performance.now() + durationMs;
  do {
    if (shape.watchLoop) await pair.server.ask('watchLoop', []);
    const one = await broadcastOnce(pair, { burst: shape.burst, times });
    if (shape.watchLoop) {
      const hold = await pair.server.ask('loopHold', []);
      holdMaxMs = Math.max(holdMaxMs, hold.maxMs);
      holdCpuMs = Math.max(holdCpuMs, hold.maxCpuMs);
      holdP99Ms = Math.max(holdP99Ms, hold.p99Ms);
    }
    orders += 1;
    sum.deliveries += deliveries;
    sum.cpuUs += one.cpuUs;
    sum.waitedUs += one.waitedUs;
    sum.loadCpuUs += one.result.loadCpuUs;
    sum.elapsedMs += one.result.lastAtMs - one.beganMs;
    sum.p50Ms += one.result.p50AtMs - one.beganMs;
    sum.p99Ms += one.result.p99AtMs - one.beganMs;
  } while (performance.now() < endMs);
  return {
    ...(shape.watchLoop ? { holdMaxMs, holdCpuMs, holdP99Ms } : {}),
    cpuUs: sum.cpuUs / sum.deliveries,
    perSecond: (sum.deliveries / sum.elapsedMs) * 1000,
    p50Ms: sum.p50Ms / orders,
    p99Ms: sum.p99Ms / orders,
    serverBusy: sum.cpuUs / 1000 / sum.elapsedMs,
    serverWaited: sum.waitedUs / 1000 / sum.elapsedMs,
    loadBusy: sum.loadCpuUs / 1000 / sum.elapsedMs,
  };
}

interface OneOrder {
  readonly beganMs: number;
  readonly cpuUs: number;
  readonly waitedUs: number;
  readonly result: DeliveryResult;
}

async function broadcastOnce(pair: Pair, order: { burst: number; times: number }): Promise<OneOrder> {
  const { text } = compose(pair.contender, 'news', PAYLOAD_BYTES);
  await pair.load.ask('expectDelivery', [
    { payloadLength: PAYLOAD_BYTES, framesPerConnection: order.burst * order.times },
  ]);
  const before = await pair.server.ask('usage', []);
  const delivered = pair.load.ask('delivered', []);
  // Whichever fails first is reported; the other must not be an unhandled rejection then.
  delivered.catch(() => {});
  const beganMs = await pair.server.ask('broadcast', [{ text, ...order }]);
  const result = await delivered;
  const after = await pair.server.ask('usage', []);
  return { beganMs, cpuUs: after.cpuUs - before.cpuUs, waitedUs: after.waitedUs - before.waitedUs, result };
}
