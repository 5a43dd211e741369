import type { RedisAddress, RedisConnector } from './redis-connection.js';
import { discover, type AddressMap, type RedisTopology } from './redis-topology.js';

/** What connections are made of, and to which servers. */
export interface RedisEngine {
  readonly connector: RedisConnector;
  readonly topology: RedisTopology;
}

/** Where connections come from. */
export interface RedisSource {
  /** Words for log lines, without credentials. */
  readonly name: string;
  /**
   * Finds what there is to connect to at the moment.
   *
   * @throws ConfigurationError when a package is missing; anything else is worth another try.
   */
  find(signal: AbortSignal): Promise<RedisEngine>;
}

/** Ways into an engine. */
export interface RedisEntrances {
  /** Each leads to one server that was named; the first that answers tells the others. */
  readonly roots: readonly RedisConnector[];
  /** Leads to the servers that a cluster tells. */
  readonly nodes: RedisConnector;
  readonly map?: AddressMap;
}

/** One server, or a cluster that is entered by the servers known so far. */
export class EngineSource implements RedisSource {
  readonly name: string;
  readonly #entrances: RedisEntrances;
  readonly #isSharded: boolean | undefined;
  /** Servers of the cluster: one of them may answer when the one that was named does not. */
  #known: readonly (RedisAddress | undefined)[] = [];

  constructor(name: string, entrances: RedisEntrances, isSharded: boolean | undefined) {
    this.name = name;
    this.#entrances = entrances;
    this.#isSharded = isSharded;
  }

  async find(signal: AbortSignal): Promise<RedisEngine> {
    const { roots, nodes } = this.#entrances;
    const entrances = [
      ...roots.map((connector) => ({ connector, at: undefined })),
      ...this.#known.map((at) => ({ connector: nodes, at })),
    ];
    let failure: unknown;
    for (const { connector, at } of entrances) {
      try {
        return await this.#ask(connector, at, signal);
      } catch (reason) {
        failure ??= reason;
        if (signal.aborted) break;
      }
    }
    throw failure;
  }

  async #ask(connector: RedisConnector, at: RedisAddress | undefined, signal: AbortSignal): Promise<RedisEngine> {
    const { nodes, map } = this.#entrances;
    const topology = await discover(connector, signal, {
      ...(this.#isSharded !== undefined && { isSharded: this.#isSharded }),
      ...(at !== undefined && { at }),
      ...(map !== undefined && { map }),
    });
    if (!topology.isCluster) return { connector, topology };
    this.#known = topology.masters;
    return { connector: nodes, topology };
  }
}

/** One that needs a package, which is loaded for the first connection. */
export class LoadedSource implements RedisSource {
  readonly name: string;
  readonly #load: () => Promise<RedisSource>;
  #loaded: Promise<RedisSource> | undefined;

  constructor(name: string, load: () => Promise<RedisSource>) {
    this.name = name;
    this.#load = load;
  }

  async find(signal: AbortSignal): Promise<RedisEngine> {
    this.#loaded ??= this.#load();
    return (await this.#loaded).find(signal);
  }
}
