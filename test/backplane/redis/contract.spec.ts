import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { RedisBackplane, type RedisBackplaneOptions } from '../../../src/redis.js';
import { backplaneContract } from '../../../src/websocket/testing/backplane-contract.js';
import { missingBroker } from '../../support/brokers.js';
import { startRedisCluster, urlOf, type RedisClusterProcesses } from '../../support/redis-server.js';

const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** Each way to name one server. What is handed in is never connected itself. */
const FORMS: Readonly<Record<string, () => RedisBackplaneOptions>> = {
  'a url': () => ({ url }),
  'a client of redis': () => ({ client: createClient({ url }) }),
  'a client of redis that speaks RESP2': () => ({ client: createClient({ url, RESP: 2 }) }),
  'a client of ioredis': () => ({ client: new Redis(url, { lazyConnect: true }) }),
  'sharded channels': () => ({ url, sharded: true }),
  'sharded channels and ioredis': () => ({ client: new Redis(url, { lazyConnect: true }), sharded: true }),
};

const missing = await missingBroker(url);

(missing === undefined ? describe : describe.skip)(`RedisBackplane${missing ?? ''}`, () => {
  for (const [words, form] of Object.entries(FORMS)) {
    describe(`with ${words}`, () => {
      const cases = backplaneContract((options) => new RedisBackplane({ ...options, ...form() }));
      it.each(cases)('$name', async ({ run }) => {
        await expect(run()).resolves.toBeUndefined();
      });
    });
  }
});

describe('RedisBackplane in a cluster', () => {
  let cluster: RedisClusterProcesses;
  beforeAll(async () => void (cluster = await startRedisCluster()));
  afterAll(() => cluster.end());

  const first = (): string => urlOf(cluster.servers[0] ?? { port: 0 });
  const port = (): number => cluster.servers[1]?.port ?? 0;
  const forms: Readonly<Record<string, () => RedisBackplaneOptions>> = {
    'the url of one server': () => ({ url: first() }),
    'the url of one server, not sharded': () => ({ url: first(), sharded: false }),
    'a client of createCluster': () => ({ client: createCluster({ rootNodes: [{ url: first() }] }) }),
    'a client of ioredis': () => ({
      client: new Cluster([{ host: '127.0.0.1', port: port() }], { lazyConnect: true }),
    }),
    'a client of ioredis, not sharded': () => ({
      client: new Cluster([first()], { lazyConnect: true }),
      sharded: false,
    }),
  };

  for (const [words, form] of Object.entries(forms)) {
    describe(`with ${words}`, () => {
      const cases = backplaneContract((options) => new RedisBackplane({ ...options, ...form() }));
      it.each(cases)('$name', async ({ run }) => {
        await expect(run()).resolves.toBeUndefined();
      });
    });
  }
});
