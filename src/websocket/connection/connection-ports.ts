import type { Type } from '@nestjs/common';
import type { MaybePromise } from '../async/maybe-promise.js';
import type { ByteLedger } from '../limits/byte-ledger.js';
import type { LimitsOptions } from '../limits/limits.options.js';
import type { MessageRates } from '../limits/message-rates.js';
import type { PlaceHolder } from '../limits/user-places.js';
import type { RequestContext } from '../request/request-context.js';
import type { Serializer } from '../serializer/serializer.js';
import type { ClosingDecision } from './closing-decision.js';
import type { FinishInfo } from './finish-info.js';
import type { Registry } from './registry.js';

/** What a connection needs of the rest; one for all connections that share their handlers. */
export interface ConnectionPorts<TConnection> {
  /** The class that serves them. */
  readonly endpoint: Type;
  readonly settings: ConnectionSettings;
  readonly stages: ConnectionStages<TConnection>;
  readonly registry: Registry<TConnection>;
  /** Bytes that wait in all connections together. */
  readonly ledger: ByteLedger;
  readonly drain: ConnectionDrain;
}

export interface ConnectionSettings {
  readonly serializer: Serializer;
  readonly limits: LimitsOptions;
  readonly concurrency: number;
  readonly closeTimeoutMs: number;
  /** Rates of messages beyond which they are refused; absent for none. */
  readonly rates?: MessageRates | undefined;
}

/** The code of the application, stage by stage. None of it throws or rejects. */
export interface ConnectionStages<TConnection> {
  /** Settles with `@OnEstablish`. */
  establish(connection: TConnection, args: unknown[]): MaybePromise<void>;
  /** A promise means that the next message has to wait for it. */
  handle(connection: TConnection, data: string | Buffer, isBinary: boolean): MaybePromise<void>;
  finish(connection: TConnection, end: FinishInfo): Promise<void>;
}

/** Waits for all connections to be over. */
export interface ConnectionDrain {
  /** How a connection is ended that is drained. */
  readonly decision: ClosingDecision;
  /** Time a peer has to answer that close frame, in milliseconds. */
  readonly closeTimeoutMs: number;
  /** One connection of this class is over; so many of its handlers still run, of which one has that name. */
  finished(endpoint: Type, lateHandlers: number, name: string | undefined): void;
  lateHandlerSettled(name: string | undefined): void;
}

/** The places of one connection in the limits; each is given back once. */
export interface ConnectionPlaces {
  /** The connection is there: older ones of its user give way, and it gives way to newer ones, where a limit says so. */
  occupy(holder: PlaceHolder): void;
  /**
   * It belongs to the user that its context has now. `false` when that user has too many connections.
   * @throws ConfigurationError for a user that cannot be told from others.
   */
  changeUser(context: RequestContext): boolean;
  /** The connection closes, or has no user any more: its user may open another one. */
  leaveUser(): void;
  /** Nothing of it runs any more. */
  release(): void;
}
