import type { LimitsOptions } from '../limits/limits.options.js';
import { CloseCode } from '../protocol/close-code.js';
import type { ClosingDecision } from './closing-decision.js';

/** The limits of time, of which each is off where it has no number or 0. */
export type TimeLimits = Partial<
  Pick<
    LimitsOptions,
    | 'idleTimeoutMs'
    | 'maxLifetimeMs'
    | 'firstMessageTimeoutMs'
    | 'messageTimeoutMs'
    | 'handlerTimeoutMs'
    | 'lateHandlerMs'
  >
>;

/** The same, counted in visits of the ticker; infinite where there is none. */
export interface VisitLimits {
  readonly idle: number;
  readonly lifetime: number;
  readonly firstMessage: number;
  readonly message: number;
  readonly handler: number;
  /** A handler or `@OnEstablish` that takes as long is named in the log. */
  readonly lateHandler: number;
  /** One of them ends a connection. */
  readonly end: boolean;
  /** How long a connection whose lifetime is over may go on with what has come. */
  readonly patience: number;
}

/** Where the application does not say: what is later than it is named at the next visit. */
export const LATE_HANDLER_MS = 10_000;

/** Visits for each lifetime; the others need fewer, see `Ring`. */
const TICKS_PER_LIFETIME = 16;
const TICKS_PER_LIMIT = 4;

/** The part of a lifetime by which connections that began together end at different times. */
const JITTER = 0.2;

/** Multiples of it fill the space between 0 and 1 evenly, for any number of them. */
const GOLDEN_RATIO = 0.618_033_988_749_895;

/** Milliseconds between two visits that these limits need; infinite where there is none. */
export function tickOfLimits(limits: TimeLimits): number {
  const { handlerTimeoutMs, lateHandlerMs } = limits;
  return Math.min(tickOfEnds(limits), ...[handlerTimeoutMs, lateHandlerMs].map((ms) => orNone(ms) / TICKS_PER_LIMIT));
}

/** The same, for those that end a connection. */
function tickOfEnds({ idleTimeoutMs, firstMessageTimeoutMs, messageTimeoutMs, maxLifetimeMs }: TimeLimits): number {
  return Math.min(
    ...[idleTimeoutMs, firstMessageTimeoutMs, messageTimeoutMs].map((ms) => orNone(ms) / TICKS_PER_LIMIT),
    orNone(maxLifetimeMs) / TICKS_PER_LIFETIME,
  );
}

/** `undefined` where there is none. A silence is never cut short; a lifetime never lasts longer. */
export function toVisits(limits: TimeLimits, closeTimeoutMs: number, tickMs: number): VisitLimits | undefined {
  if (limits.lateHandlerMs === 0 && tickOfLimits(limits) === Number.POSITIVE_INFINITY) return undefined;
  const atLeast = (ms: number | undefined): number => Math.ceil(orNone(ms) / tickMs);
  return {
    idle: atLeast(limits.idleTimeoutMs),
    lifetime: Math.max(1, Math.floor(orNone(limits.maxLifetimeMs) / tickMs)),
    firstMessage: atLeast(limits.firstMessageTimeoutMs),
    message: atLeast(limits.messageTimeoutMs),
    handler: atLeast(limits.handlerTimeoutMs),
    lateHandler: atLeast(limits.lateHandlerMs ?? LATE_HANDLER_MS),
    end: tickOfEnds(limits) !== Number.POSITIVE_INFINITY,
    patience: atLeast(closeTimeoutMs),
  };
}

function orNone(ms: number | undefined): number {
  return ms === undefined || ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

/** What the limits ask of a connection. */
export interface TimedConnection {
  readonly ordinal: number;
  readonly isEstablishing: boolean;
  /** Whole messages from the peer so far, and messages to it. */
  readonly receivedCount: number;
  readonly sentCount: number;
  /** A handler runs or has to. */
  readonly isAtWork: boolean;
  readonly hasStreams: boolean;
  /** A message has begun and is not complete. */
  readonly isInMessage: boolean;
  /** It is not read, so its peer cannot be blamed for what does not come. */
  readonly isUnread: boolean;
}

/** How long one connection has been what its limits are about, in visits. */
export class SpentTime {
  #age = 0;
  #silent = -1;
  #idle = 0;
  #activity = -1;
  #inMessage = 0;
  #received = 0;

  /** One visit; tells the end where a time is over. */
  visit(connection: TimedConnection, limits: VisitLimits): ClosingDecision | undefined {
    const { receivedCount } = connection;
    this.#age++;
    if (receivedCount === 0 && !connection.isEstablishing && ++this.#silent >= limits.firstMessage) return NO_MESSAGE;
    if (limits.message !== Number.POSITIVE_INFINITY && this.#isSlow(connection, limits.message)) return SLOW_MESSAGE;
    if (limits.idle !== Number.POSITIVE_INFINITY && this.#isIdle(connection, limits.idle)) return IDLE;
    if (limits.lifetime !== Number.POSITIVE_INFINITY && this.#isOld(connection, limits)) return TOO_OLD;
    return undefined;
  }

  #isSlow(connection: TimedConnection, limit: number): boolean {
    const isSame = connection.receivedCount === this.#received;
    this.#received = connection.receivedCount;
    if (!connection.isInMessage || connection.isUnread) this.#inMessage = 0;
    else this.#inMessage = isSame || this.#inMessage === 0 ? this.#inMessage + 1 : 1;
    // The first visit finds a message that began since the one before.
    return this.#inMessage > limit;
  }

  #isIdle(connection: TimedConnection, limit: number): boolean {
    const activity = connection.receivedCount + connection.sentCount;
    const { isAtWork, hasStreams, isInMessage, isUnread } = connection;
    const isActive = activity !== this.#activity || isAtWork || hasStreams || isInMessage || isUnread;
    this.#activity = activity;
    this.#idle = isActive ? 0 : this.#idle + 1;
    return this.#idle >= limit;
  }

  #isOld({ ordinal, isAtWork, isInMessage }: TimedConnection, { lifetime, patience }: VisitLimits): boolean {
    const over = this.#age - Math.ceil(lifetime * (1 - JITTER * ((ordinal * GOLDEN_RATIO) % 1)));
    return over >= 0 && (over >= patience || !(isAtWork || isInMessage));
  }
}

const NO_MESSAGE = timedOut('no message came');
const SLOW_MESSAGE = timedOut('a message took too long');
const IDLE = timedOut('idle');
const TOO_OLD = timedOut('lifetime is over');

function timedOut(reason: string): ClosingDecision {
  return { code: CloseCode.timedOut, reason, initiator: 'limit' };
}
