import type {
  ConnectionTerms,
  RedisAddress,
  RedisConnection,
  RedisConnectionListener,
  RedisConnector,
} from './redis-connection.js';

/** What is used of a client of the package `ioredis`. */
export interface IoredisClient {
  readonly options: IoredisOptions;
  on(event: string, listener: (...values: never[]) => void): unknown;
  connect(): Promise<unknown>;
  duplicate(overrides: Record<string, unknown>): IoredisClient;
  disconnect(reconnect?: boolean): void;
  call(command: string, words: readonly (string | Buffer)[]): Promise<unknown>;
  publish(channel: string, payload: Buffer): Promise<unknown>;
  spublish(channel: string, payload: Buffer): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
}

/** What is read of its options. */
export interface IoredisOptions {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string | null;
  readonly name?: string | null;
  readonly sentinels?: readonly unknown[] | null;
}

/** Makes connections of a client of the package `ioredis`, which itself stays as it is. */
export class IoredisConnector implements RedisConnector {
  readonly name: string;
  readonly #client: IoredisClient;

  constructor(client: IoredisClient) {
    this.#client = client;
    const { host = 'localhost', port = 6379, path, sentinels, name } = client.options;
    this.name = sentinels == null ? (path ?? `${host}:${port}`) : `sentinel ${name ?? ''}`.trim();
  }

  connection(terms: ConnectionTerms, address?: RedisAddress): RedisConnection {
    return new IoredisConnection(this.#client.duplicate(overrides(terms, address)), terms);
  }
}

function overrides({ role }: ConnectionTerms, address: RedisAddress | undefined): Record<string, unknown> {
  return {
    ...address,
    ...(address !== undefined && { path: undefined }),
    lazyConnect: true,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    reconnectOnError: null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: true,
    // One write for what a turn publishes: cheaper for both sides.
    enableAutoPipelining: role === 'publisher',
    // A socket that does not end by itself is destroyed.
    disconnectTimeout: 1,
    commandTimeout: undefined,
    socketTimeout: undefined,
    blockingTimeout: undefined,
    keyPrefix: '',
    himportFieldsets: undefined,
  };
}

class IoredisConnection implements RedisConnection {
  readonly #client: IoredisClient;
  readonly #isSharded: boolean;
  readonly #listener: RedisConnectionListener;
  #isConnected = false;
  #isOver = false;
  #failure: unknown;
  #onFailure: ((reason: unknown) => void) | undefined;

  constructor(client: IoredisClient, { isSharded, listener }: ConnectionTerms) {
    this.#client = client;
    this.#isSharded = isSharded;
    this.#listener = listener;
    client.on('error', (error: unknown) => this.#lose(error));
    client.on('end', () => this.#lose(this.#failure ?? new Error('The connection has ended.')));
    client.on('moved', () => {
      if (!this.#isOver) listener.moved();
    });
    const receive = (channel: Buffer, message: Buffer): void => {
      // What is thrown here would end the process.
      try {
        if (!this.#isOver) listener.message(channel, message);
      } catch {
        // The listener does not throw; if it did, one message would be lost.
      }
    };
    client.on(isSharded ? 'smessageBuffer' : 'messageBuffer', receive);
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      // The reason comes as an event; the promise says only that the connection was closed.
      this.#onFailure = reject;
      this.#client.connect().then(() => {
        this.#isConnected = true;
        resolve();
      }, reject);
    });
  }

  publish(channel: string, payload: Uint8Array): Promise<unknown> {
    const bytes = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return this.#isSharded ? this.#client.spublish(channel, bytes) : this.#client.publish(channel, bytes);
  }

  subscribe(channels: string[]): Promise<unknown> {
    return this.#isSharded ? this.#client.ssubscribe(...channels) : this.#client.subscribe(...channels);
  }

  unsubscribe(channels: string[]): Promise<unknown> {
    return this.#isSharded ? this.#client.sunsubscribe(...channels) : this.#client.unsubscribe(...channels);
  }

  command([command = '', ...words]: string[]): Promise<unknown> {
    return this.#client.call(command, words);
  }

  destroy(): void {
    this.#isOver = true;
    this.#client.disconnect();
  }

  #lose(reason: unknown): void {
    if (this.#isOver) return;
    if (!this.#isConnected) {
      this.#failure ??= reason;
      this.#onFailure?.(this.#failure);
      return;
    }
    this.#isOver = true;
    this.#listener.lost(reason);
  }
}
