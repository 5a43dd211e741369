import { describeError } from '../errors/describe-error.js';
import { TooManyMessagesError } from '../errors/plack-websocket.error.js';
import type { ConnectionRate } from '../limits/message-rates.js';
import { TokenBucket } from '../limits/token-bucket.js';
import { log } from '../log/log.js';
import { AddressableConnection, type ConnectionParts } from './addressable-connection.js';
import type { ClosingDecision } from './closing-decision.js';
import { internalError, TOO_MANY_MESSAGES } from './connection-ends.js';
import type { ConnectionPorts } from './connection-ports.js';

/** How often the peer of a served connection may send something. */
export abstract class RatedConnection extends AddressableConnection {
  readonly #rate: TokenBucket | undefined;
  /** Found when its first message comes; `null` for none. */
  #messageRate: ConnectionRate | null | undefined;
  /** For frames that carry nothing; most connections never send one. */
  #emptyFrames: TokenBucket | undefined;

  constructor(parts: ConnectionParts, ports: ConnectionPorts<RatedConnection>) {
    super(parts, ports);
    const { messagesPerSecond } = ports.settings.limits;
    if (messagesPerSecond !== undefined) this.#rate = new TokenBucket(messagesPerSecond, performance.now());
  }

  abstract end(decision: ClosingDecision): void;

  /** Tells whether the peer may send one more message. */
  protected isInRate(isHandedOver: boolean): boolean {
    if (this.#rate?.take(performance.now()) === false) return false;
    if (!this.isRated) return true;
    const rate = this.#findRate();
    // What is answered is asked about when its turn comes; a taker has no turns.
    if (rate === undefined || (!(rate.closes && rate.events === undefined) && !isHandedOver)) return true;
    return this.#tryTake(rate) === undefined;
  }

  /** There is a `limits.rate`, which may have something to say about each message. */
  get isRated(): boolean {
    return this.ports.settings.rates !== undefined;
  }

  /** Why its next message is refused: one too many. A rate that closes has closed it then. */
  messageRefusal(): TooManyMessagesError | undefined {
    const rate = this.#findRate();
    return rate === undefined || rate.events !== undefined || rate.closes ? undefined : this.#refusalBy(rate);
  }

  /** The same, of a rate that counts some events only. */
  eventRefusal(event: unknown): TooManyMessagesError | undefined {
    const rate = this.#findRate();
    return typeof event === 'string' && rate?.events?.has(event) === true ? this.#refusalBy(rate) : undefined;
  }

  #refusalBy(rate: ConnectionRate): TooManyMessagesError | undefined {
    const waitMs = this.#tryTake(rate);
    if (waitMs === undefined) return undefined;
    if (rate.closes) this.end(TOO_MANY_MESSAGES);
    return new TooManyMessagesError(waitMs);
  }

  #tryTake(rate: ConnectionRate): number | undefined {
    try {
      return rate.take(performance.now());
    } catch (error) {
      this.#failRate(error);
      return 1;
    }
  }

  #findRate(): ConnectionRate | undefined {
    if (this.#messageRate === undefined) {
      try {
        this.#messageRate = this.ports.settings.rates?.of(this) ?? null;
      } catch (error) {
        this.#messageRate = null;
        this.#failRate(error);
      }
    }
    return this.#messageRate ?? undefined;
  }

  /** Without its rate a connection must not go on. */
  #failRate(error: unknown): void {
    const { name } = this.endpoint;
    log.error(name, `limits.rate of ${name} failed: ${describeError(error)}`, error, this);
    this.end(internalError(error));
  }

  /** Tells whether the peer may send one more frame that carries nothing. */
  protected isInFrameRate(): boolean {
    const { emptyFramesPerSecond } = this.ports.settings.limits;
    if (emptyFramesPerSecond === 0) return true;
    return (this.#emptyFrames ??= new TokenBucket(emptyFramesPerSecond, performance.now())).take(performance.now());
  }
}
