import { broadcastGrowthWorkload, broadcastWorkload, loopHoldWorkload } from './broadcast.js';
import type { EchoOrder } from '../load/echo-load.js';
import { channelGrowthWorkload } from './channels.js';
import { ceilingWorkload, type EchoShape, echoWorkload, messageGrowthWorkload, partsWorkload } from './echo.js';
import { handshakeWorkload } from './handshake.js';
import { idleWorkload } from './idle.js';
import type { Workload } from './workload.js';

const IN_FLIGHT = [1, 16];
const BYTES = [64, 16 * 1024];
const RECEIVERS = [1_000, 5_000];
const BURSTS = [1, 10];
const GROWTH = [10, 100, 1_000, 10_000];

/** All questions of the bench, in the order of the report. */
export function catalogue(options: { idleConnections: number; refill: EchoOrder['refill'] }): Workload[] {
  const { idleConnections, refill } = options;
  const variants = pairs(IN_FLIGHT, BYTES);
  const echo = (group: string, speech: EchoShape['speech']): Workload[] =>
    variants.map(([inFlight, bytes]) => echoWorkload({ group, speech, bytes, inFlight, refill }));
  return [
    ...variants.map(([inFlight, bytes]) => ceilingWorkload(inFlight, bytes)),
    ...echo('raw-echo', 'raw'),
    ...echo('json-echo', 'echo'),
    ...echo('checked-echo', 'checked'),
    partsWorkload(refill),
    ...pairs(RECEIVERS, BURSTS).map(([receivers, burst]) => broadcastWorkload(receivers, burst)),
    ...pairs([5_000], BURSTS).map(([receivers, burst]) => loopHoldWorkload(receivers, burst)),
    idleWorkload(idleConnections),
    handshakeWorkload(),
    ...GROWTH.map(messageGrowthWorkload),
    ...GROWTH.map(broadcastGrowthWorkload),
    ...(['setChannels', 'join', 'except'] as const).flatMap((verb) =>
      GROWTH.map((count) => channelGrowthWorkload(verb, count)),
    ),
  ];
}

function pairs(first: readonly number[], second: readonly number[]): [number, number][] {
  return first.flatMap((a) => second.map((b): [number, number] => [a, b]));
}
