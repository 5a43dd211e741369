import { setTimeout } from 'node:timers/promises';
import { createClient } from 'redis';
import { EngineProcess, type EngineProgram } from './engine-process.js';
import { patient } from './patience.js';

const COMMON = ['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--bind', '127.0.0.1'];

/** A `redis-server` without files; `more` are further arguments, such as `['--requirepass', 'secret']`. */
function redisProgram(more: readonly string[] = []): EngineProgram {
  return {
    file: 'redis-server',
    args: (port, folder) => ['--port', String(port), '--dir', folder, ...COMMON, ...more],
  };
}

/** Starts a `redis-server` of our own. */
export function startRedis(more: readonly string[] = []): Promise<EngineProcess> {
  return EngineProcess.start(redisProgram(more));
}

export function urlOf({ port }: { readonly port: number }): string {
  return `redis://127.0.0.1:${port}`;
}

/** Asks a server something over a connection of its own. */
export async function askRedis(url: string, ...words: readonly string[]): Promise<unknown> {
  const client = createClient({ url, disableClientInfo: true });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(words);
  } finally {
    client.destroy();
  }
}

/** What `CLIENT LIST` says of connections other than the one that asks, a record each. */
export async function clientsOf(url: string): Promise<Readonly<Record<string, string>>[]> {
  const list = String(await askRedis(url, 'CLIENT', 'LIST'));
  return list
    .split('\n')
    .map((line) => Object.fromEntries(line.split(' ').map((pair) => pair.split('=', 2) as [string, string])))
    .filter(({ cmd }) => cmd !== undefined && !cmd.startsWith('client'));
}

/** Three servers as a cluster of masters. */
export interface RedisClusterProcesses {
  readonly servers: readonly EngineProcess[];
  end(): Promise<void>;
}

export async function startRedisCluster(): Promise<RedisClusterProcesses> {
  const flags = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'];
  const servers = await Promise.all([1, 2, 3].map(() => startRedis(flags)));
  const urls = servers.map(urlOf);
  const share = Math.ceil(16_384 / urls.length);
  await Promise.all(
    urls.map((url, index) => {
      const last = Math.min((index + 1) * share, 16_384) - 1;
      return askRedis(url, 'CLUSTER', 'ADDSLOTSRANGE', String(index * share), String(last));
    }),
  );
  for (const { port } of servers.slice(1)) await askRedis(urls[0] ?? '', 'CLUSTER', 'MEET', '127.0.0.1', String(port));
  const giveUp = performance.now() + patient(15_000);
  for (const url of urls) {
    while (!(await knowsAll(url, urls.length))) {
      if (performance.now() > giveUp) throw new Error('The cluster did not come together.');
      await setTimeout(20);
    }
  }
  return { servers, end: async () => void (await Promise.all(servers.map((server) => server.end()))) };
}

async function knowsAll(url: string, count: number): Promise<boolean> {
  const info = String(await askRedis(url, 'CLUSTER', 'INFO'));
  if (!info.includes('cluster_state:ok') || !info.includes('cluster_slots_ok:16384')) return false;
  const slots = (await askRedis(url, 'CLUSTER', 'SLOTS')) as unknown[];
  return slots.length === count;
}
