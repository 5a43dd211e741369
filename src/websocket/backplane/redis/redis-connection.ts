/** What a connection is used for: one that has much to receive delays replies, so what is published has its own. */
export type ConnectionRole = 'publisher' | 'subscriber' | 'question';

/** What a connection tells. None of its methods throws. */
export interface RedisConnectionListener {
  /** The payload may be a view into a buffer that is used again. */
  message(channel: Buffer, payload: Uint8Array): void;
  /** The server does not keep some channel any more: its slot has another owner. */
  moved(): void;
  /** The connection is gone, or not to be relied on. Called at most once, after `connect` resolved, and never after `destroy`. */
  lost(reason: unknown): void;
}

/**
 * One connection to one server, over one of the client libraries. It lives once: what is lost stays lost, and a new one takes its place.
 * So there is one policy for reconnecting, which is ours, and nothing of a library waits, is sent again or subscribed again by itself.
 */
export interface RedisConnection {
  /** Rejects with the failure; nothing of the connection is left then, once `destroy` was called. */
  connect(): Promise<void>;
  /** Resolves with the server's reply, in the order of the calls. */
  publish(channel: string, payload: Uint8Array): Promise<unknown>;
  /** Resolves when the server has confirmed all of the channels. */
  subscribe(channels: string[]): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
  command(words: string[]): Promise<unknown>;
  /** Ends it at once, in any state. What waits for a reply rejects. */
  destroy(): void;
}

/** What all connections of a backplane have in common. */
export interface ConnectionTerms {
  readonly role: ConnectionRole;
  /** Whether channels are sharded: `SPUBLISH` and `SSUBSCRIBE`. */
  readonly isSharded: boolean;
  readonly listener: RedisConnectionListener;
}

/** Where a server of a cluster is. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Makes connections with the options of one client, to its own server or to another one of its cluster. */
export interface RedisConnector {
  /** Where the options lead, in words without credentials. */
  readonly name: string;
  connection(terms: ConnectionTerms, address?: RedisAddress): RedisConnection;
}

/** The message of an error. Those of the clients name servers and commands, and none of the credentials. */
export function wordsOf(reason: unknown): string {
  const { message, errors } = (typeof reason === 'object' && reason !== null ? reason : {}) as Partial<AggregateError>;
  if (typeof message === 'string' && message !== '') return message;
  // Node's, for a name with several addresses, has no message of its own.
  return Array.isArray(errors) && errors.length > 0 ? wordsOf(errors[0]) : String(reason);
}

/** Tells that a slot has another owner, or that the map of the cluster is not complete. */
export function isMoved(reason: unknown): boolean {
  return /^(?:MOVED|ASK|CLUSTERDOWN|TRYAGAIN)\b/.test(wordsOf(reason));
}

/** Listener of a connection on which nothing arrives unasked. */
export const DEAF: RedisConnectionListener = {
  message: () => undefined,
  moved: () => undefined,
  lost: () => undefined,
};
