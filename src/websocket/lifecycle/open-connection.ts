import type { ByteBudget } from '../connection/byte-budget.js';
import type { ClosingDecision, Connection, ConnectionDriver } from '../connection/connection.js';
import type { CurrentConnection } from '../connection/current-connection.js';
import { FinishInfo } from '../connection/finish-info.js';
import { Inbox } from '../connection/inbox.js';
import type { ConnectionRegistry } from '../connection/connection-registry.js';
import { isPromiseLike } from '../connection/settle.js';
import { TokenBucket } from '../connection/token-bucket.js';
import type { TransportListener } from '../connection/transport-listener.js';
import type { EndpointHandlers, EstablishArguments } from '../endpoint/compiled-endpoint.js';
import type { EndpointSettings } from '../endpoint/endpoint.js';
import { CLOSE_CODE_ABNORMAL, CloseCode } from '../protocol/close-code.js';
import { runEstablish } from './establish/establish-stage.js';
import { runFinish } from './finish/finish-stage.js';
import type { MessageStage } from './message/message-stage.js';

/** What every open connection shares. */
export interface ConnectionSurroundings {
  readonly registry: ConnectionRegistry;
  readonly current: CurrentConnection;
  /** Bytes that all connections together may hold. */
  readonly budget: ByteBudget;
  /** One connection is over: its finish handlers have settled. */
  readonly ended: () => void;
  /** Handlers that still run after the end of their connection; only their number is known, so it can be garbage. */
  readonly stragglers: { begin(): void; end(): void };
}

/** What the open connections of an endpoint share; for handlers of request scope there is one for each connection. */
export interface Service {
  readonly handlers: EndpointHandlers;
  readonly stage: MessageStage;
  readonly settings: EndpointSettings;
  readonly surroundings: ConnectionSurroundings;
}

/** How far a connection has come; it only ever goes on. */
const Phase = {
  establishing: 0,
  /** Messages are handled. */
  established: 1,
  /** `@OnFinish` runs. */
  finishing: 2,
  finished: 3,
  /** The surroundings know that it is over. */
  reported: 4,
} as const;

/**
 * The state machine of one open connection: establish, then messages one at a time, then finish.
 *
 * Invariant: finish runs exactly once, after establish has settled, and no message is handled after it began.
 */
export class OpenConnection implements TransportListener, ConnectionDriver {
  /** Made when a message has to wait for the first time; most connections never need it. */
  #inbox: Inbox | undefined;
  readonly #rate: TokenBucket | undefined;
  #phase: (typeof Phase)[keyof typeof Phase] = Phase.establishing;
  #running = 0;
  #paused = false;
  #drainDecision: ClosingDecision | undefined;
  #end: FinishInfo | undefined;
  #error: { readonly cause: Error; readonly closeCode: number } | undefined;

  constructor(
    readonly connection: Connection,
    private readonly service: Service,
    private readonly entry: { release(): void },
  ) {
    connection.driver = this;
    const { messagesPerSecond } = service.settings.limits;
    if (messagesPerSecond !== undefined) this.#rate = new TokenBucket(messagesPerSecond, performance.now());
  }

  /** Enters the registry and runs `@OnEstablish`; messages that arrive meanwhile wait. */
  establish(args: EstablishArguments): void {
    const { handlers, stage, surroundings } = this.service;
    surroundings.registry.add(this.connection);
    surroundings.registry.announceEstablish(this.connection);
    const pending = this.#inContext(() => runEstablish(this.connection, handlers, args, stage.policy));
    if (isPromiseLike(pending)) void pending.then(() => this.#settleEstablish());
    else this.#settleEstablish();
  }

  /** Closes as soon as what has arrived is handled; nothing more is read. */
  drain(decision: ClosingDecision): void {
    // A connection that closes already must be read, or the peer's answer would never come.
    if (this.connection.closing !== undefined) return;
    this.#drainDecision = decision;
    if (this.#isIdle) this.closeNow(decision);
    else this.#pause();
  }

  /** Closes whatever is still going on. */
  closeNow(decision: ClosingDecision): void {
    this.connection.closeAs(decision);
  }

  onMessage(data: string | Buffer, isBinary: boolean): void {
    // After this side began to close, what still arrives is dropped; after the end nothing arrives.
    if (this.connection.closing !== undefined) return;
    if (this.#rate?.take(performance.now()) === false) {
      this.connection.closeAs({ code: CloseCode.policyViolation, reason: 'too many messages', initiator: 'limit' });
      return;
    }
    const { settings, surroundings } = this.service;
    if (this.#phase !== Phase.establishing && this.#running < settings.concurrency && this.#waiting === 0) {
      this.#handle(data, isBinary);
      return;
    }
    const inbox = (this.#inbox ??= new Inbox(settings.limits, surroundings.budget));
    inbox.push(data, isBinary);
    if (inbox.isFull) this.#pause();
  }

  onError(cause: Error, closeCode: number): void {
    this.#error ??= { cause, closeCode };
    this.connection.noteClosing();
  }

  onClose(code: number, reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = this.#describeEnd(code, reason);
    this.service.surroundings.registry.remove(this.connection);
    this.connection.settleFinish(this.#end);
    this.entry.release();
    // What a client sent before it closed politely is still handled, within the time a close may take; after a cut, or
    // when this side closed, nobody waits for it.
    if (!this.#end.clean || this.#end.initiator !== 'client') this.#inbox?.clear();
    else if (this.#waiting > 0) this.#boundLeftovers();
    this.#finishWhenReady();
  }

  #boundLeftovers(): void {
    const timer = setTimeout(() => {
      this.#inbox?.clear();
      this.#finishWhenReady();
    }, this.service.settings.closeTimeoutMs);
    timer.unref();
  }

  #settleEstablish(): void {
    this.#phase = Phase.established;
    this.connection.settleEstablish();
    this.#takeWaiting();
    this.#afterWork();
  }

  #handle(data: string | Buffer, isBinary: boolean): void {
    const { stage, surroundings } = this.service;
    const pending = surroundings.current.isEnabled
      ? this.#inContext(() => stage.handle(this.connection, data, isBinary))
      : stage.handle(this.connection, data, isBinary);
    if (pending === undefined) return;
    this.#running++;
    void pending.then(() => {
      this.#running--;
      if (this.#phase === Phase.reported) surroundings.stragglers.end();
      this.#takeWaiting();
      this.#afterWork();
    });
  }

  /** Something was finished: the connection may be ready to be closed, to finish, or be over. */
  #afterWork(): void {
    if (this.#drainDecision !== undefined && this.#isIdle) this.closeNow(this.#drainDecision);
    this.#finishWhenReady();
    this.#reportEnd();
  }

  get #waiting(): number {
    return this.#inbox?.length ?? 0;
  }

  get #isIdle(): boolean {
    return this.#phase !== Phase.establishing && this.#running === 0 && this.#waiting === 0;
  }

  #takeWaiting(): void {
    while (this.#running < this.service.settings.concurrency) {
      // A handler may have closed the connection; what waits behind it is dropped.
      if (this.connection.closing !== undefined) this.#inbox?.clear();
      const message = this.#inbox?.shift();
      if (message === undefined) break;
      this.#handle(message.data, message.isBinary);
    }
    if (this.#paused && this.#drainDecision === undefined && this.#inbox?.isHalfEmpty !== false) this.#resume();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.connection.pauseReading();
  }

  #resume(): void {
    this.#paused = false;
    this.connection.resumeReading();
  }

  #finishWhenReady(): void {
    const end = this.#end;
    if (end === undefined || this.#phase !== Phase.established || this.#waiting > 0) return;
    this.#phase = Phase.finishing;
    const { handlers, stage, surroundings } = this.service;
    void this.#inContext(() => runFinish(this.connection, handlers, end, stage.policy)).then(() => {
      surroundings.registry.announceFinish(this.connection, end);
      this.#phase = Phase.finished;
      this.#reportEnd();
    });
  }

  #inContext<T>(callback: () => T): T {
    return this.service.surroundings.current.run(this.connection, callback);
  }

  #reportEnd(): void {
    if (this.#phase !== Phase.finished) return;
    this.#phase = Phase.reported;
    const { ended, stragglers } = this.service.surroundings;
    for (let i = 0; i < this.#running; i++) stragglers.begin();
    ended();
  }

  #describeEnd(code: number, reason: string): FinishInfo {
    const { closing } = this.connection;
    const clean = code !== CLOSE_CODE_ABNORMAL;
    if (closing !== undefined)
      return new FinishInfo(closing.code, closing.reason, clean, closing.initiator, closing.error);
    if (this.#error !== undefined) {
      return new FinishInfo(this.#error.closeCode, reason, false, 'error', this.#error.cause);
    }
    return new FinishInfo(code, reason, clean, 'client');
  }
}
