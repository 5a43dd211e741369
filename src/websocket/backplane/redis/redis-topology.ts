import { setTimeout as delay } from 'node:timers/promises';
import { DEAF, type RedisAddress, type RedisConnection, type RedisConnector } from './redis-connection.js';

/** The slots of a cluster, each with its master; one for all in front of a server that is not a cluster. */
export interface RedisTopology {
  /** Whether channels are sharded. */
  readonly isSharded: boolean;
  /** Whether the masters are those of a cluster. */
  readonly isCluster: boolean;
  /** `undefined` leads where the options of the client lead. */
  readonly masters: readonly (RedisAddress | undefined)[];
  /** Index of the master of a slot; `undefined` for one that has none at the moment. */
  masterOf(slot: number): number | undefined;
}

const SLOTS = 16_384;

/** Version of the server that has sharded channels. */
const SHARDED_SINCE = 7;

/** Translates addresses that a server tells to those that lead there from here. */
export type AddressMap = (address: RedisAddress) => RedisAddress;

/**
 * Asks a server what it is part of. `isSharded` decides about sharded channels; left out, they are used where a cluster has them.
 *
 * @throws what the connection or the server says.
 */
export async function discover(
  connector: RedisConnector,
  signal: AbortSignal,
  { isSharded, at, map = (address) => address }: { isSharded?: boolean; at?: RedisAddress; map?: AddressMap },
): Promise<RedisTopology> {
  const connection = connector.connection({ role: 'question', isSharded: false, listener: DEAF }, at);
  try {
    await within(signal, connection.connect());
    const server = await ask(signal, connection, ['INFO', 'server']);
    const cluster = await ask(signal, connection, ['INFO', 'cluster']);
    const hasShards = Number(/redis_version:(\d+)/.exec(server)?.[1] ?? 0) >= SHARDED_SINCE;
    const isCluster = cluster.includes('cluster_enabled:1');
    if (!isCluster || !(isSharded ?? hasShards)) return single(isSharded ?? false, at);
    return readSlots(await within(signal, connection.command(['CLUSTER', 'SLOTS'])), at, map);
  } finally {
    connection.destroy();
  }
}

/** Settles like the promise, or rejects with the reason of the signal, what is first. */
export function within<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Resolves after the time, or at once when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function single(isSharded: boolean, at: RedisAddress | undefined): RedisTopology {
  return { isSharded, isCluster: false, masters: [at], masterOf: () => 0 };
}

async function ask(signal: AbortSignal, connection: RedisConnection, words: string[]): Promise<string> {
  return textOf(await within(signal, connection.command(words)));
}

function textOf(reply: unknown): string {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return typeof reply === 'string' ? reply : '';
}

/** Reads `[[first, last, [host, port, …], …replicas], …]`. */
function readSlots(reply: unknown, at: RedisAddress | undefined, map: AddressMap): RedisTopology {
  const masters: (RedisAddress | undefined)[] = [];
  const owners = new Int16Array(SLOTS).fill(-1);
  const indexes = new Map<string, number>();
  for (const range of Array.isArray(reply) ? (reply as unknown[][]) : []) {
    const [first, last, master] = range;
    if (!Array.isArray(master)) continue;
    const [host, port] = master as unknown[];
    // A server that does not know its own name leaves it empty: it is where the question went.
    const name = textOf(host) || at?.host;
    const address = name === undefined ? undefined : map({ host: name, port: Number(port) });
    const key = address === undefined ? '' : `${address.host}:${address.port}`;
    const index = indexes.get(key) ?? masters.push(address) - 1;
    indexes.set(key, index);
    owners.fill(index, Number(first), Number(last) + 1);
  }
  if (masters.length === 0) throw new Error('The cluster has no slots.');
  return {
    isSharded: true,
    isCluster: true,
    masters,
    masterOf: (slot) => (owners[slot] === -1 ? undefined : owners[slot]),
  };
}

/** CRC-16/XMODEM of a channel without braces, as Redis Cluster spreads keys. */
export function slotOf(channel: string): number {
  let crc = 0;
  for (let index = 0; index < channel.length; index++) {
    crc = ((crc << 8) ^ (CRC16[((crc >> 8) ^ channel.charCodeAt(index)) & 0xff] ?? 0)) & 0xffff;
  }
  return crc % SLOTS;
}

const CRC16 = Uint16Array.from({ length: 256 }, (_, value) => {
  let crc = value << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  return crc & 0xffff;
});
