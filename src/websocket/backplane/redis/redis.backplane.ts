import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { shareClass } from '../../copies/shared-class.js';
import { count, flag, recognized } from '../../rules/option-rule.js';
import { Backplane, type BackplaneOptions, type BackplaneReceiver, type HandOver } from '../backplane.js';
import { readBackplaneOptions } from '../backplane-options.js';
import { PublishLedger } from '../publish-ledger.js';
import { Subscriptions } from '../subscriptions.js';
import { readSource } from './redis-clients.js';
import { wordsOf } from './redis-connection.js';
import { RedisSession } from './redis-session.js';
import type { RedisSource } from './redis-source.js';
import { pause, within } from './redis-topology.js';

/** Which Redis, and what is particular to it. One of `url` and `client` is given. */
export interface RedisBackplaneOptions extends BackplaneOptions {
  /**
   * `redis://user:password@host:port`, `rediss://…` for TLS, or `unix:///path/of/socket`. The package `redis` is used, or `ioredis` where
   * that one is installed alone. A number of a database in it has no effect: channels are the same in all of them.
   */
  url?: string;
  /**
   * A client of `redis` (`createClient`, `createCluster`, `createSentinel`) or `ioredis` (`Redis`, `Cluster`). Connections are made with
   * its options, such as TLS and credentials; it is used for nothing else itself, and not closed. It need not be connected.
   */
  client?: object;
  /**
   * Bytes that may wait for Redis to take them; beyond it `publish` drops. Each envelope counts 256 more. It bounds the memory that a
   * silent Redis costs. Default 16777216 (16 MiB).
   */
  maxPendingBytes?: number;
  /**
   * Whether `SPUBLISH` and `SSUBSCRIBE` are used. Has to be the same on all nodes. Default: where Redis is a cluster, from version 7 on;
   * there `PUBLISH` would go to each server of it.
   */
  sharded?: boolean;
}

const MAX_ENVELOPE_BYTES = 8_388_608;
const DEFAULT_MAX_PENDING_BYTES = 16_777_216;

/** Bytes that an envelope counts beside its own, for what client and sockets keep of it. */
const WEIGHT = 256;

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;

const anything = recognized('', () => true);
const OPTIONS = { url: anything, client: anything, maxPendingBytes: count('bytes', 1_024), sharded: flag };

/**
 * Joins the nodes of an application over Redis, from version 6 on, or what speaks its protocol.
 *
 * It opens two connections: one publishes, one receives; in a cluster with sharded channels two to each master. When one of them is lost
 * or silent, all are made anew, and it goes on trying in growing intervals up to 2 s.
 *
 * @example
 * ```ts
 * PlackWebSocketModule.forRoot({ backplane: new RedisBackplane({ url: 'redis://127.0.0.1:6379', prefix: 'chat' }) })
 * ```
 */
export class RedisBackplane extends Backplane {
  override readonly engine: string;
  override readonly maxEnvelopeBytes: number;
  readonly #source: RedisSource;
  readonly #ledger: PublishLedger;
  readonly #subscriptions: Subscriptions;
  /** Aborted by `close`. */
  readonly #closing = new AbortController();
  #receiver: BackplaneReceiver | undefined;
  /** The session that can be subscribed on, and once everything is, the same one for what is published. */
  #connected: RedisSession | undefined;
  #session: RedisSession | undefined;
  #refusal: unknown;
  /** What the receiver was told last. */
  #isReachable: boolean | undefined;
  #closed: Promise<void> | undefined;

  /** @throws ConfigurationError for an option that is unknown or wrong, and for what is not a client. */
  constructor(options: RedisBackplaneOptions) {
    super(readBackplaneOptions(options, 'RedisBackplane', OPTIONS));
    const { url, client, sharded, maxPendingBytes = DEFAULT_MAX_PENDING_BYTES } = options;
    this.#source = readSource(url, client, sharded);
    this.engine = `redis ${this.#source.name}`;
    this.maxEnvelopeBytes = Math.min(MAX_ENVELOPE_BYTES, maxPendingBytes - WEIGHT);
    this.#ledger = new PublishLedger({
      maxPendingBytes,
      timeoutMs: this.settings.publishTimeoutMs,
      onLate: () => this.#judge(),
      onTaking: () => this.#judge(),
    });
    this.#subscriptions = new Subscriptions(
      {
        subscribe: (subjects) => this.#current().subscribe(subjects),
        unsubscribe: (subjects) => this.#current().unsubscribe(subjects),
      },
      {
        confirmed: (subject) => this.#receiver?.followed(subject),
        refused: (_, reason) => {
          this.#refusal = reason;
          this.#judge();
        },
        complete: () => this.#judge(),
      },
    );
  }

  override open(receiver: BackplaneReceiver): Promise<void> {
    this.#receiver = receiver;
    return new Promise((resolve, reject) => {
      void this.#run(resolve, reject);
    });
  }

  override publish(subject: string, envelope: Uint8Array): HandOver {
    const session = this.#session;
    if (session === undefined) return 'away';
    if (envelope.length > this.maxEnvelopeBytes) return 'too large';
    const weight = envelope.length + WEIGHT;
    if (!this.#ledger.give(weight)) return 'away';
    if (session.publish(subject, envelope, weight)) return 'yes';
    this.#ledger.take(weight);
    return 'away';
  }

  override follow(subject: string): void {
    if (this.#receiver !== undefined && !this.#closing.signal.aborted) this.#subscriptions.follow(subject);
  }

  override unfollow(subject: string): void {
    this.#subscriptions.unfollow(subject);
  }

  override async probe(): Promise<void> {
    const session = this.#session;
    if (session === undefined) throw new Error('Redis is away.');
    const late = AbortSignal.timeout(this.settings.nodeTimeoutMs);
    await within(AbortSignal.any([late, this.#closing.signal]), session.probe());
  }

  override close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#subscriptions.close();
    if (session !== undefined) await this.#ledger.empty(this.settings.publishTimeoutMs);
    this.#ledger.close();
    session?.destroy();
    this.#closing.abort(new Error('The backplane is closed.'));
    this.#receiver = undefined;
  }

  /** One session after the other, until it is closed. */
  async #run(reached: () => void, failed: (reason: unknown) => void): Promise<void> {
    const { signal } = this.#closing;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const begunAt = performance.now();
      try {
        await this.#live(reached);
      } catch (reason) {
        failed(reason);
        if (reason instanceof ConfigurationError || signal.aborted) return;
        this.#tell(false, wordsOf(reason));
      }
      if (performance.now() - begunAt > MAX_PAUSE_MS) pauseMs = FIRST_PAUSE_MS;
      // Nodes that lost their engine together do not come back to it together.
      await pause(pauseMs * (0.5 + Math.random() / 2), signal);
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    }
  }

  /** Makes a session and lives with it. @throws what kept it from beginning, or has ended it. */
  async #live(reached: () => void): Promise<void> {
    const { nodeTimeoutMs, prefix } = this.settings;
    const slow = new AbortController();
    const timer = setTimeout(() => slow.abort(new Error(`No answer for ${nodeTimeoutMs} ms.`)), nodeTimeoutMs);
    const signal = AbortSignal.any([slow.signal, this.#closing.signal]);
    const over = new AbortController();
    let session: RedisSession | undefined;
    try {
      const engine = await this.#source.find(signal);
      session = new RedisSession({
        ...engine,
        prefix,
        probeMs: nodeTimeoutMs / 3,
        listener: {
          receive: (subject, envelope) => this.#receive(subject, envelope),
          taken: (bytes) => this.#ledger.take(bytes),
          over: (reason) => over.abort(new Error(reason)),
        },
      });
      await session.open(signal);
      this.#connected = session;
      const isThere = Promise.all([session.probe(), this.#subscriptions.connected()]);
      await within(AbortSignal.any([signal, over.signal]), isThere);
      clearTimeout(timer);
      this.#session = session;
      this.#judge(true);
      reached();
      await until(AbortSignal.any([over.signal, this.#closing.signal]));
    } finally {
      clearTimeout(timer);
      this.#session = undefined;
      this.#connected = undefined;
      this.#subscriptions.disconnected();
      this.#ledger.reset();
      session?.destroy();
    }
  }

  #receive(subject: string, envelope: Uint8Array): void {
    if (this.#subscriptions.wants(subject)) this.#receiver?.receive(subject, envelope);
  }

  #current(): RedisSession {
    if (this.#connected === undefined) throw new Error('Redis is away.');
    return this.#connected;
  }

  /** Tells whether everything is well when that has changed, and what is followed after a return or in a new session. */
  #judge(isNew = false): void {
    if (this.#session === undefined) return;
    const wasReachable = this.#isReachable;
    if (this.#ledger.isLate) this.#tell(false, `Redis has taken nothing for ${this.settings.publishTimeoutMs} ms.`);
    else if (this.#subscriptions.hasRefused) this.#tell(false, wordsOf(this.#refusal));
    else this.#tell(true);
    if (isNew || (this.#isReachable === true && wasReachable !== true)) this.#subscriptions.announce();
  }

  #tell(isReachable: boolean, reason?: string): void {
    if (this.#isReachable === isReachable) return;
    this.#isReachable = isReachable;
    this.#receiver?.engine(isReachable, reason);
  }
}

/** Rejects with the reason of the signal. */
function until(signal: AbortSignal): Promise<never> {
  return within(signal, new Promise<never>(() => undefined));
}

shareClass(RedisBackplane, 'RedisBackplane');
