import { hostname } from 'node:os';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { shareClass } from '../copies/shared-class.js';

/** Whether an envelope was handed to the engine, or why it was not. */
export type HandOver = 'yes' | 'away' | 'too large';

/** What a backplane tells of its engine. Called by the backplane, implemented by the library. None of its methods throws. */
export interface BackplaneReceiver {
  /**
   * An envelope that another node published to a subject that this one follows. What a node published itself may come too; the
   * receiver drops it. The bytes may be a view into a buffer that is used again: the receiver copies what it keeps.
   */
  receive(subject: string, envelope: Uint8Array): void;
  /** From now on everything that is published to this subject arrives. Told again after each interruption. */
  followed(subject: string): void;
  /** The engine can be reached, or not any more. What was published between the two calls may be lost. */
  engine(isReachable: boolean, reason?: string): void;
}

/** How a backplane shares its engine, and how long it waits. All have defaults. */
export interface BackplaneOptions {
  /**
   * What the names on the engine begin with. Nodes with the same prefix are one group, so give each application and each
   * environment its own; the number of a Redis database does not tell them apart. Default `plack`.
   */
  prefix?: string;
  /** Name of this node in `registry.nodes`, lists and log lines. Default: the name of the host and the id of the process. */
  node?: string;
  /**
   * Time within which the engine has to take an envelope, in milliseconds. What it has not taken by then counts as lost, and
   * nothing more is handed to it until it answers. Default 2000.
   */
  publishTimeoutMs?: number;
  /** Time that `count`, `list`, and the promises of `close`, `join` and `leave` wait for other nodes, in milliseconds. Default 1000. */
  timeoutMs?: number;
  /** Silence after which a node counts as gone, in milliseconds; a node speaks three times within it. Default 5000. */
  nodeTimeoutMs?: number;
  /** Keys of `connection.data` that `list` shows to other nodes. Default none. */
  expose?: readonly string[];
}

/** The options with their defaults. */
export class BackplaneSettings {
  prefix = 'plack';
  node = '';
  publishTimeoutMs = 2_000;
  timeoutMs = 1_000;
  nodeTimeoutMs = 5_000;
  expose: readonly string[] = [];
}

/**
 * Carries envelopes between the nodes of an application over an engine. It knows subjects and bytes, and
 * nothing of connections. Given as the option `backplane` of the module, an instance for each application.
 *
 * The promise, the same for every implementation:
 * - At most once: an envelope arrives once or is lost, and is never kept for later.
 * - What one node publishes to one subject arrives in the order of its calls.
 * - `publish` returns at once. It never throws and never waits for the engine.
 * - What waits for the engine is bounded by `maxPendingBytes` of the implementation. Beyond it, and while the engine is away,
 *   `publish` says `'away'` and drops.
 * - A fault of the engine is told by `engine(false)`. It is never thrown, and the process goes on.
 */
export abstract class Backplane {
  readonly settings: Readonly<BackplaneSettings>;
  #owner: object | undefined;

  constructor(settings: BackplaneSettings) {
    this.settings = settings;
  }

  /** @internal @throws ConfigurationError where another application has it. */
  belongTo(owner: object): void {
    if (this.#owner !== undefined && this.#owner !== owner) {
      throw new ConfigurationError(
        `One ${this.constructor.name} was given to two applications. Make an instance for each; equal prefixes meet.`,
      );
    }
    this.#owner = owner;
  }

  /** @internal It may be given to another application. */
  release(): void {
    this.#owner = undefined;
  }

  /** @internal The option `node`, or what tells processes apart. */
  get nodeName(): string {
    return this.settings.node === '' ? `${hostname()}:${process.pid}` : this.settings.node;
  }

  /** Names the engine in log lines, without credentials: `redis 127.0.0.1:6379`. */
  abstract readonly engine: string;

  /** Bytes of the largest envelope that the engine carries; more is `'too large'`. */
  abstract readonly maxEnvelopeBytes: number;

  /**
   * Connects to the engine, and goes on trying until it is closed. Called once, and again only after `close`.
   *
   * @returns a promise that resolves when the engine was reached for the first time, and rejects with the first failure.
   */
  abstract open(receiver: BackplaneReceiver): Promise<void>;

  /**
   * Hands an envelope to the engine. The bytes are not changed afterwards.
   *
   * @param subject at most 200 characters of `A-Z a-z 0-9 _ -`.
   */
  abstract publish(subject: string, envelope: Uint8Array): HandOver;

  /** Begins to follow subjects; those of one turn of the event loop go to the engine together. Tells `followed` of each. */
  abstract follow(subject: string): void;

  /** Stops following a subject. Harmless for one that is not followed. */
  abstract unfollow(subject: string): void;

  /**
   * Proves the way to the engine and back, for both directions.
   *
   * @returns a promise that resolves when the proof came, and rejects when it did not within `nodeTimeoutMs`.
   */
  abstract probe(): Promise<void>;

  /**
   * Hands over what waits, then takes everything off that `open` has made. A client that was handed in stays open. Resolves in
   * any state of the engine within `publishTimeoutMs`; nothing of it keeps the process alive afterwards.
   */
  abstract close(): Promise<void>;
}

shareClass(Backplane, 'Backplane');
