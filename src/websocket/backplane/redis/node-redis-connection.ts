import type {
  ConnectionTerms,
  RedisAddress,
  RedisConnection,
  RedisConnectionListener,
  RedisConnector,
} from './redis-connection.js';

type Listener = (message: Buffer, channel: Buffer) => void;

/** What is used of a client of the package `redis`. */
export interface NodeRedisClient {
  readonly options: NodeRedisOptions;
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  duplicate(overrides: Record<string, unknown>): NodeRedisClient;
  destroy(): void;
  ref(): void;
  unref(): void;
  sendCommand(words: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
  unsubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
  sSubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
  sUnsubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
}

/** What is read of its options. */
export interface NodeRedisOptions {
  readonly socket?: { readonly host?: string; readonly port?: number; readonly path?: string };
}

/** Makes connections of a client of the package `redis`, which itself stays as it is. */
export class NodeRedisConnector implements RedisConnector {
  readonly name: string;
  readonly #client: NodeRedisClient;

  constructor(client: NodeRedisClient) {
    this.#client = client;
    const { host = 'localhost', port = 6379, path } = client.options.socket ?? {};
    this.name = path ?? `${host}:${port}`;
  }

  connection(terms: ConnectionTerms, address?: RedisAddress): RedisConnection {
    return new NodeRedisConnection(this.#client.duplicate(this.#overrides(address)), terms);
  }

  #overrides(address: RedisAddress | undefined): Record<string, unknown> {
    return {
      // A URL among the options would win over the address.
      ...(address !== undefined && { url: undefined }),
      socket: {
        ...this.#client.options.socket,
        ...address,
        reconnectStrategy: false,
        // Idle connections are ours to judge.
        socketTimeout: undefined,
      },
      disableOfflineQueue: true,
      // A timeout of the library costs a signal for each command, more than the command itself.
      commandOptions: { timeout: undefined },
      pingInterval: undefined,
      clientSideCache: undefined,
      emitInvalidate: false,
      maintNotifications: 'disabled',
    };
  }
}

class NodeRedisConnection implements RedisConnection {
  readonly #client: NodeRedisClient;
  readonly #isSharded: boolean;
  readonly #listener: RedisConnectionListener;
  #isConnected = false;
  #isOver = false;

  constructor(client: NodeRedisClient, { isSharded, listener }: ConnectionTerms) {
    this.#client = client;
    this.#isSharded = isSharded;
    this.#listener = listener;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('The connection has ended.')));
    // A socket that is on its way when the client is destroyed is forgotten by it, and connects all the same.
    client.on('connect', () => {
      if (this.#isOver) client.destroy();
    });
    client.on('sharded-channel-moved', () => {
      if (!this.#isOver) listener.moved();
    });
  }

  async connect(): Promise<void> {
    // For the same reason the process may end meanwhile; the deadline of the attempt keeps it alive.
    this.#client.unref();
    await this.#client.connect();
    this.#client.ref();
    this.#isConnected = true;
  }

  publish(channel: string, payload: Uint8Array): Promise<unknown> {
    return this.#client.sendCommand([this.#isSharded ? 'SPUBLISH' : 'PUBLISH', channel, asBuffer(payload)]);
  }

  subscribe(channels: string[]): Promise<unknown> {
    const reply = this.#isSharded
      ? this.#client.sSubscribe(channels, this.#receive, true)
      : this.#client.subscribe(channels, this.#receive, true);
    return Promise.resolve(reply);
  }

  unsubscribe(channels: string[]): Promise<unknown> {
    const reply = this.#isSharded
      ? this.#client.sUnsubscribe(channels, this.#receive, true)
      : this.#client.unsubscribe(channels, this.#receive, true);
    return Promise.resolve(reply);
  }

  command(words: string[]): Promise<unknown> {
    return this.#client.sendCommand(words);
  }

  destroy(): void {
    this.#isOver = true;
    this.#client.destroy();
  }

  readonly #receive: Listener = (message, channel) => {
    // What is thrown here would cost the rest of the chunk.
    try {
      if (!this.#isOver) this.#listener.message(channel, message);
    } catch {
      // The listener does not throw; if it did, one message would be lost and not its neighbours.
    }
  };

  #lose(reason: unknown): void {
    if (this.#isOver || !this.#isConnected) return;
    this.#isOver = true;
    this.#listener.lost(reason);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
