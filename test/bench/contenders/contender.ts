/** The names a contender goes by in flags and tables. `base` is `ours` built from another commit, `parts` its endpoint in parts. */
export const CONTENDER_NAMES = ['ours', 'base', 'parts', 'ws', 'platform-ws', 'socket.io', 'tcp'] as const;
export type ContenderName = (typeof CONTENDER_NAMES)[number];

/** A broadcast as the parent orders it. */
export interface BroadcastOrder {
  readonly text: string;
  /** Messages sent to everyone within one turn of the event loop. */
  readonly burst: number;
  /** How often the burst is repeated, each in a turn of its own. */
  readonly times: number;
}

/** Work with channels as the parent orders it, on the first connection. */
export interface ChannelOrder {
  /** Replaces all channels by as many others, joins and leaves as many, or leaves as many out of an audience. */
  readonly verb: 'setChannels' | 'join' | 'except';
  /** Names in one call. */
  readonly count: number;
  readonly times: number;
}

/** A server under test, listening on a port of 127.0.0.1. */
export interface ContenderServer {
  readonly port: number;
  connectionCount(): number;
  /** Sends the event `news` with `{ text }` to every connection, the way its users would. */
  broadcast(text: string): void;
  /** Does it, if this contender has channels of that kind. */
  channels?(order: ChannelOrder): void;
}

/** The data of every event of the bench. */
export interface TextData {
  readonly text: string;
}
