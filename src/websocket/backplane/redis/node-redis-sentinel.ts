import type { NodeRedisClient } from './node-redis-connection.js';

type Listener = (message: Buffer, channel: Buffer) => void;

/** What is used of a client of `createSentinel`. */
export interface NodeRedisSentinel {
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  duplicate(overrides: Record<string, unknown>): NodeRedisSentinel;
  destroy(): Promise<unknown>;
  sendCommand(isReadonly: boolean, words: readonly (string | Buffer)[]): Promise<unknown>;
  subscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
  unsubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
  sSubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
  sUnsubscribe(channels: string[], listener: Listener, bufferMode: true): Promise<unknown> | undefined;
}

/** Shows a sentinel client as one of its master. It ends with the first fault, so that the next one asks the sentinels anew. */
export function masterOf(sentinel: NodeRedisSentinel): NodeRedisClient {
  return {
    options: { socket: { path: 'sentinel' } },
    on: (event, listener) => {
      sentinel.on(event, listener);
      if (event !== 'error') return;
      sentinel.on('client-error', (fault) => listener((fault as { error?: unknown }).error ?? fault));
      sentinel.on('topology-change', (change) => {
        if ((change as { type?: unknown }).type === 'MASTER_CHANGE') listener(new Error('There is a new master.'));
      });
    },
    connect: () => sentinel.connect(),
    duplicate: () =>
      masterOf(sentinel.duplicate({ commandOptions: { timeout: undefined }, masterPoolSize: 1, replicaPoolSize: 0 })),
    destroy: () => void sentinel.destroy().catch(() => undefined),
    ref: () => undefined,
    unref: () => undefined,
    sendCommand: (words) => sentinel.sendCommand(false, words),
    subscribe: (channels, listener) => sentinel.subscribe(channels, listener, true),
    unsubscribe: (channels, listener) => sentinel.unsubscribe(channels, listener, true),
    sSubscribe: (channels, listener) => sentinel.sSubscribe(channels, listener, true),
    sUnsubscribe: (channels, listener) => sentinel.sUnsubscribe(channels, listener, true),
  };
}
