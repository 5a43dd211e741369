import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { IoredisConnector, type IoredisClient } from './ioredis-connection.js';
import { NodeRedisConnector, type NodeRedisClient } from './node-redis-connection.js';
import { masterOf } from './node-redis-sentinel.js';
import type { RedisAddress, RedisConnector } from './redis-connection.js';
import { EngineSource, LoadedSource, type RedisSource } from './redis-source.js';

const OWNER = 'RedisBackplane';
const SCHEMES = ['redis:', 'rediss:', 'unix:'];

/** @throws ConfigurationError for options that name no engine, or two. They may hold credentials, so it shows none of them. */
export function readSource(url: unknown, client: unknown, isSharded: boolean | undefined): RedisSource {
  if ((url === undefined) === (client === undefined)) {
    const fault = url === undefined ? 'neither is given' : 'both are given';
    throw new ConfigurationError(`${OWNER} takes either url or client; ${fault}.`);
  }
  return url === undefined ? sourceOfClient(client, isSharded) : sourceOfUrl(url, isSharded);
}

function sourceOfUrl(url: unknown, isSharded: boolean | undefined): RedisSource {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || typeof url !== 'string' || !SCHEMES.includes(parsed.protocol)) {
    throw new ConfigurationError(
      `${OWNER}: url must be a text that begins with redis://, rediss:// (TLS) or unix:// (path of a socket).`,
    );
  }
  const name =
    parsed.protocol === 'unix:' ? parsed.pathname : `${parsed.hostname || 'localhost'}:${parsed.port || '6379'}`;
  return new LoadedSource(name, async () => {
    const connector = await connectorOfUrl(url);
    return new EngineSource(name, { roots: [connector], nodes: connector }, isSharded);
  });
}

async function connectorOfUrl(url: string): Promise<RedisConnector> {
  const redis = await import('redis').catch(ifMissing);
  if (redis !== undefined) return nodeRedis(redis.createClient({ url }));
  const ioredis = await import('ioredis').catch(ifMissing);
  if (ioredis !== undefined) return io(new ioredis.Redis(url, { lazyConnect: true }));
  throw new ConfigurationError(`${OWNER} with a url needs the package redis, or ioredis: npm install redis`);
}

function ifMissing(error: unknown): undefined {
  const { code } = error as { code?: unknown };
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
  throw error;
}

type Members = Readonly<Record<string, unknown>>;

/** Clients are told by what they can do: their classes may be of another copy of their package. */
function sourceOfClient(client: unknown, isSharded: boolean | undefined): RedisSource {
  if (canDo(client, 'duplicate', 'sendCommand', 'sSubscribe', 'destroy')) {
    if (canDo(client, 'nodeClient')) return sourceOfNodeRedisCluster(client, isSharded);
    if (canDo(client, 'getMasterNode')) return sourceOfConnector(nodeRedis(masterOf(as(client))), isSharded);
    if (isObject(client['options'])) return sourceOfConnector(nodeRedis(client), isSharded);
  }
  if (canDo(client, 'duplicate', 'call', 'ssubscribe', 'disconnect') && isObject(client['options'])) {
    return canDo(client, 'nodes')
      ? sourceOfIoredisCluster(client, isSharded)
      : sourceOfConnector(io(client), isSharded);
  }
  throw new ConfigurationError(
    `${OWNER}: client must be one of the package redis, from version 6 on (createClient, createCluster, createSentinel), or of ` +
      'ioredis, from version 5 on (Redis, Cluster). It is duplicated, and used for nothing else.',
  );
}

function sourceOfConnector(connector: RedisConnector, isSharded: boolean | undefined): RedisSource {
  return new EngineSource(connector.name, { roots: [connector], nodes: connector }, isSharded);
}

/** Client options of `redis`, of which the socket is merged on its own. */
type NodeOptions = Members & { readonly socket?: Members };

/** The client of a cluster keeps connections of its own to every node. Its options are enough, so it is not duplicated as a whole. */
function sourceOfNodeRedisCluster(client: Members, isSharded: boolean | undefined): RedisSource {
  const { rootNodes, defaults, nodeAddressMap, RESP } = as<{
    rootNodes: readonly NodeOptions[];
    defaults?: NodeOptions;
    nodeAddressMap?: Parameters<typeof mapOf>[0];
    RESP?: unknown;
  }>(client['_options']);
  return new LoadedSource(nameOfCluster(rootNodes[0]), async () => {
    const { createClient } = await import('redis');
    const nodeOf = (own: NodeOptions): RedisConnector =>
      nodeRedis(
        createClient({
          ...(RESP !== undefined && { RESP }),
          ...defaults,
          ...own,
          socket: { ...defaults?.socket, ...own.socket },
        } as object),
      );
    const roots = rootNodes.map(nodeOf);
    return new EngineSource('', { roots, nodes: nodeOf({}), map: mapOf(nodeAddressMap) }, isSharded);
  });
}

function sourceOfIoredisCluster(client: Members, isSharded: boolean | undefined): RedisSource {
  const startupNodes = as<readonly (string | number | Members)[]>(client['startupNodes'] ?? []);
  const { redisOptions, natMap } = as<{ redisOptions?: Members; natMap?: Parameters<typeof mapOf>[0] }>(
    client['options'],
  );
  return new LoadedSource(nameOfCluster(startupNodes[0]), async () => {
    const { Redis } = await import('ioredis');
    const common = { ...redisOptions, lazyConnect: true };
    const roots = startupNodes.map((node) => {
      if (typeof node === 'string') return io(new Redis(node, common));
      return io(
        new Redis(typeof node === 'number' ? { ...common, port: node } : { ...common, ...node, lazyConnect: true }),
      );
    });
    return new EngineSource('', { roots, nodes: io(new Redis(common)), map: mapOf(natMap) }, isSharded);
  });
}

/** Both libraries translate addresses by an object, or by a function of `host:port`. */
function mapOf(
  given:
    Readonly<Record<string, RedisAddress>> | ((address: string) => RedisAddress | null | undefined) | null | undefined,
): (address: RedisAddress) => RedisAddress {
  return (address) => {
    const key = `${address.host}:${address.port}`;
    const mapped = typeof given === 'function' ? given(key) : given?.[key];
    return mapped == null ? address : { host: mapped.host, port: mapped.port };
  };
}

function nameOfCluster(node: unknown): string {
  const { url, host, port, socket } = isObject(node) ? node : { url: node };
  if (typeof url === 'string' && URL.canParse(url)) return `cluster ${new URL(url).host}`;
  const at = as<Partial<RedisAddress>>(isObject(socket) ? socket : { host, port });
  return `cluster ${at.host ?? 'localhost'}:${at.port ?? 6379}`;
}

function nodeRedis(client: unknown): RedisConnector {
  return new NodeRedisConnector(as<NodeRedisClient>(client));
}

function io(client: unknown): RedisConnector {
  return new IoredisConnector(as<IoredisClient>(client));
}

/** The libraries' own types cannot be named: an application has one of them, or neither. */
function as<Type>(value: unknown): Type {
  return value as Type;
}

function canDo(client: unknown, ...methods: readonly string[]): client is Members {
  return isObject(client) && methods.every((method) => typeof client[method] === 'function');
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
