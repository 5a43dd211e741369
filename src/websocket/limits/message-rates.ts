import { atOnce } from '../async/at-once.js';
import type { RequestContext } from '../request/request-context.js';
import { clientOf } from './connection-limits.js';
import { RateOptions } from './rate.options.js';
import { SharedBuckets } from './shared-buckets.js';
import { TokenBucket } from './token-bucket.js';

/** Whose messages are counted. */
export interface Sender {
  readonly context: RequestContext;
  /** Id of its user; throws for one that cannot be compared. */
  identify(): string | undefined;
}

/** Checks what a function of the application gives. @throws ConfigurationError */
export type CheckRate = (given: unknown) => void;

/** The rate of one level of options: of the module for all its endpoints together, or of one endpoint. */
export class MessageRates {
  readonly #buckets = new SharedBuckets();

  constructor(
    private readonly option: Partial<RateOptions> | ((context: RequestContext) => unknown),
    private readonly check: CheckRate,
  ) {}

  /** The rate of one connection; `undefined` for none. @throws what a function of the application throws, or gives wrong. */
  of(sender: Sender): ConnectionRate | undefined {
    if (typeof this.option !== 'function') return new ConnectionRate(this.option, sender, this.#buckets);
    const given = atOnce(this.option(sender.context), 'limits.rate');
    if (given === undefined) return undefined;
    this.check(given);
    return new ConnectionRate(given as Partial<RateOptions>, sender, this.#buckets);
  }
}

/** What one connection takes its messages from. */
export class ConnectionRate {
  /** Events that count; `undefined` for all messages. */
  readonly events: ReadonlySet<string> | undefined;
  readonly closes: boolean;
  readonly #by: RateOptions['by'];
  readonly #perSecond: number;
  readonly #burst: number;
  #own: TokenBucket | undefined;

  constructor(
    options: Partial<RateOptions>,
    private readonly sender: Sender,
    private readonly buckets: SharedBuckets,
  ) {
    const defaults = new RateOptions();
    this.#by = options.by ?? defaults.by;
    this.#perSecond = options.perSecond ?? defaults.perSecond;
    this.#burst = options.burst ?? Math.max(1, Math.ceil(this.#perSecond));
    this.closes = (options.exceeded ?? defaults.exceeded) === 'close';
    this.events = options.events === undefined ? undefined : new Set(options.events);
  }

  /** Takes one message; gives the milliseconds to wait when it is one too many. @throws for a user that cannot be compared. */
  take(nowMs: number): number | undefined {
    const bucket = this.#bucket(nowMs);
    return bucket.take(nowMs) ? undefined : bucket.waitMs;
  }

  #bucket(nowMs: number): TokenBucket {
    const key = this.#key();
    if (key === undefined) return (this.#own ??= new TokenBucket(this.#perSecond, nowMs, this.#burst));
    // Connections to which a function gives other numbers do not count together.
    return this.buckets.get(`${this.#perSecond} ${this.#burst} ${key}`, this.#perSecond, this.#burst, nowMs);
  }

  #key(): string | undefined {
    if (this.#by === 'connection') return undefined;
    const id = this.#by === 'ip' ? clientOf(this.sender.context) : this.sender.identify();
    return id === undefined ? undefined : `${this.#by} ${id}`;
  }
}
