import { OutboxOverflowError } from '../errors/plack-websocket.error.js';
import { continueWith, type MaybePromise } from '../async/maybe-promise.js';
import { Account, type AccountOwner } from '../limits/byte-ledger.js';
import { log } from '../log/log.js';
import { AfterReply, refuseAfterReply, type AfterReplyCallback } from './after-reply.js';
import { outboxIsFull, TOO_MUCH_UNFINISHED } from './connection-ends.js';
import type { FinishInfo, FinishInitiator } from './finish-info.js';
import { Inbox } from './inbox.js';
import { RatedConnection } from './rated-connection.js';

/** Half messages smaller than this are not worth an account. */
const MIN_UNFINISHED = 1_024;

/** Why the socket is not read. */
const Pause = { none: 0, own: 1, withOthers: 2 } as const;

/**
 * What a served connection reads: messages that wait or begin, in order, how long the peer has been silent, and what all of
 * its queues hold.
 */
export abstract class ReadingConnection extends RatedConnection implements AccountOwner {
  /** Made when a message has to wait for the first time; most connections never need it. */
  #inbox: Inbox | undefined;
  /** The method that was called last, for the log: with one message at a time it is the one that runs. */
  handling: string | undefined;
  #pause: (typeof Pause)[keyof typeof Pause] = Pause.none;
  #account: Account | undefined;
  #isHandedOver = false;
  #isCalling = false;
  #running = 0;
  /** What waits for the reply to the message that is being handled. */
  #afterReply: AfterReply | undefined;
  /** Heartbeat: what had been received at the last tick, and for how many ticks nothing more came. */
  #bytesSeen = 0;
  #silentTicks = 0;
  #received = 0;

  abstract cut(initiator: FinishInitiator): void;

  override handOver(): unknown {
    if (!this.#isHandedOver) {
      this.#isHandedOver = true;
      this.transport.handOver((emit) => this.#deliverWaiting(emit));
    }
    return this.raw;
  }

  /** A handler that went on after its call has settled. */
  protected abstract handlerSettled(): void;

  /** What waits in it; most connections never need it. */
  get account(): Account {
    return (this.#account ??= new Account(this.ports.ledger, this));
  }

  settle(): void {
    this.transport.flush();
    this.transport.count();
  }

  giveUp(kind: 'outbox' | 'unfinished'): void {
    const { maxBytes } = this.ports.ledger;
    const size = this.account.sizeOf(kind);
    log.warn(
      'limits.maxTotalQueuedBytes',
      `All connections together hold more than limits.maxTotalQueuedBytes, ${maxBytes}. A connection of ` +
        `${this.endpoint.name} ends: ${size} bytes of it ${kind === 'outbox' ? 'wait to be read' : 'are a message that is not complete'}`,
      undefined,
      this,
    );
    this.end(
      kind === 'outbox'
        ? outboxIsFull(new OutboxOverflowError(size, 'maxTotalQueuedBytes', maxBytes))
        : TOO_MUCH_UNFINISHED,
    );
    // What it holds has to go now, not when the socket says that it is closed.
    this.cut('limit');
    this.#empty();
  }

  onUnfinished(byteLength: number): void {
    if (byteLength >= MIN_UNFINISHED || this.#account !== undefined) this.account.set('unfinished', byteLength);
  }

  /** Counts what waits in its socket, which drains and is filled without a word. */
  countOutbox(): void {
    if (this.#account === undefined && this.transport.bufferedBytes === 0) return;
    this.transport.count();
    this.checkOutbox();
  }

  protected override over(end: FinishInfo): void {
    super.over(end);
    if (this.#account !== undefined) this.#empty();
  }

  /** The socket is destroyed: only messages that wait for their handler are held. */
  #empty(): void {
    this.transport.count();
    this.account.set('unfinished', 0);
  }

  /**
   * Counts one tick of the heartbeat; tells for how many nothing came. Any byte is a sign of life, and a connection that
   * is not read for its own sake cannot give one. One that is not read because all together hold too much goes on being
   * counted: silent ones must not keep the others from being read.
   */
  countSilence(): number {
    const { bytesRead } = this.transport;
    const isLeftUnread = this.#pause === Pause.own || (this.#pause === Pause.none && this.#isPausedByTaker);
    if (isLeftUnread || bytesRead !== this.#bytesSeen) {
      this.#bytesSeen = bytesRead;
      this.#silentTicks = 0;
      return 0;
    }
    return ++this.#silentTicks;
  }

  get receivedCount(): number {
    return this.#received;
  }

  get isUnread(): boolean {
    return this.#pause !== Pause.none || this.#isPausedByTaker;
  }

  /** Begins a message if its turn has come, else it waits. */
  protected take(data: string | Buffer, isBinary: boolean, mayBegin: boolean): void {
    const { settings } = this.ports;
    this.#received++;
    // Its listeners hear it from the socket.
    if (this.#isHandedOver && !this.transport.isHolding) return;
    if (mayBegin && !this.#isHandedOver && this.#running < settings.concurrency && this.waiting === 0) {
      this.#begin(data, isBinary);
      return;
    }
    const inbox = (this.#inbox ??= new Inbox(settings.limits, this.account));
    inbox.push(data, isBinary);
    if (inbox.isFull) this.pause();
    else if (inbox.isFullWithOthers) this.#pauseFor(Pause.withOthers);
  }

  /** Begins messages that wait, as many as may run. */
  protected beginWaiting(): void {
    const { concurrency } = this.ports.settings;
    if (this.#isHandedOver) return;
    while (this.#running < concurrency) {
      const message = this.#inbox?.shift();
      if (message === undefined) return;
      this.#begin(message.data, message.isBinary);
    }
  }

  /** Messages that wait to be handled. What waits for a listener of the socket keeps nothing from ending. */
  protected get waiting(): number {
    return this.#isHandedOver ? 0 : (this.#inbox?.length ?? 0);
  }

  /** It ends, and none of its messages is going to be handled any more. */
  get isSpent(): boolean {
    return (this.state === 'closing' || this.state === 'closed') && this.waiting === 0;
  }

  /** Its messages are for the listeners of its socket. */
  protected get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /** What its handlers are doing, for the log; `undefined` where none runs. */
  get work(): string | undefined {
    if (this.state === 'establishing') return '@OnEstablish';
    return this.#running > 0 ? this.handling : undefined;
  }

  protected dropWaiting(): void {
    this.#inbox?.clear();
  }

  /** Handlers that go on after their call. */
  protected get running(): number {
    return this.#running;
  }

  /** A handler of this connection is being called right now. */
  protected get isCalling(): boolean {
    return this.#isCalling;
  }

  protected get hasRoom(): boolean {
    const inbox = this.#inbox;
    return inbox === undefined || (inbox.isHalfEmpty && !inbox.isFullWithOthers);
  }

  protected pause(): void {
    this.#pauseFor(Pause.own);
  }

  get #isPausedByTaker(): boolean {
    return this.#isHandedOver && this.transport.isPaused;
  }

  #pauseFor(cause: 1 | 2): void {
    if (this.#pause === Pause.none) {
      this.transport.pause();
      this.account.isPaused = true;
    }
    if (this.#pause !== Pause.own) this.#pause = cause;
  }

  protected resume(): void {
    if (this.#pause === Pause.none) return;
    this.#pause = Pause.none;
    this.account.isPaused = false;
    this.transport.resume();
  }

  #deliverWaiting(emit: (data: string | Buffer, isBinary: boolean) => void): void {
    for (;;) {
      const message = this.#inbox?.shift();
      if (message === undefined) break;
      emit(message.data, message.isBinary);
    }
    this.resume();
  }

  override afterReply(callback: AfterReplyCallback): void {
    const isConcurrent = this.ports.settings.concurrency > 1;
    if (!this.#isCalling && (isConcurrent || this.#running === 0)) refuseAfterReply(isConcurrent);
    (this.#afterReply ??= new AfterReply()).add(callback);
  }

  #begin(data: string | Buffer, isBinary: boolean): void {
    this.#isCalling = true;
    let pending = this.ports.stages.handle(this, data, isBinary);
    this.#isCalling = false;
    if (this.#afterReply !== undefined && (pending === undefined || this.ports.settings.concurrency > 1))
      pending = this.#replied(pending);
    if (pending === undefined) return;
    this.#running++;
    void pending.then(() => this.#settle());
  }

  #settle(): void {
    if (this.#afterReply !== undefined && this.ports.settings.concurrency === 1) {
      void continueWith(this.#replied(undefined), () => this.#settle());
      return;
    }
    this.#running--;
    this.handlerSettled();
  }

  /** Runs what has waited for the reply. Of several messages that are handled at once each has its own. */
  #replied(handled: MaybePromise<void>): Promise<void> | undefined {
    const waiting = this.#afterReply;
    this.#afterReply = undefined;
    if (waiting === undefined) return handled ?? undefined;
    return continueWith(handled, () => this.#runWaiting(waiting)) ?? undefined;
  }

  #runWaiting(waiting: AfterReply): MaybePromise<void> {
    this.transport.flush();
    this.#isCalling = true;
    this.#afterReply = waiting;
    const where = this.handling ?? this.endpoint.name;
    const running = waiting.run((error) =>
      log.error('afterReply', `A callback of connection.afterReply failed in ${where}`, error, this),
    );
    this.#isCalling = false;
    this.#afterReply = undefined;
    return running;
  }
}
