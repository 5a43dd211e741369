import type { HandlerDeadline } from './handler-times.js';
import { HeldUp } from './handler-times.js';
import { ReadingConnection } from './reading-connection.js';
import { LATE_HANDLER_MS, SpentTime, type TimedConnection as Facts, type VisitLimits } from './time-limits.js';

/** What the ticker keeps the time of; counted in its visits. */
export abstract class TimedConnection extends ReadingConnection implements Facts {
  /** Made where the endpoint has a limit of time. */
  #spentTime: SpentTime | undefined;
  /** Made when a handler is found that keeps others waiting. */
  #heldUp: HeldUp | undefined;
  #deadlines: Set<HandlerDeadline> | undefined;

  /** One visit; ends the connection where one of its times is over. */
  keepTimes(limits: VisitLimits): void {
    if (this.#deadlines !== undefined) {
      for (const deadline of this.#deadlines) if (deadline.visit(limits.handler)) this.#deadlines.delete(deadline);
    }
    if (this.isEstablishing || (this.running > 0 && this.waiting > 0)) {
      (this.#heldUp ??= new HeldUp()).visit(this, limits.lateHandler, this.lateHandlerMs);
    }
    if (!limits.end) return;
    const end = (this.#spentTime ??= new SpentTime()).visit(this, limits);
    if (end !== undefined) this.end(end);
  }

  /** Time for the handling of one message, in milliseconds; 0 for no limit. */
  get handlerTimeoutMs(): number {
    return this.ports.settings.limits.handlerTimeoutMs ?? 0;
  }

  /** Time after which what keeps others waiting is named in the log, in milliseconds; 0 for never. */
  get lateHandlerMs(): number {
    return this.ports.settings.limits.lateHandlerMs ?? LATE_HANDLER_MS;
  }

  addDeadline(deadline: HandlerDeadline): void {
    (this.#deadlines ??= new Set()).add(deadline);
  }

  removeDeadline(deadline: HandlerDeadline): void {
    this.#deadlines?.delete(deadline);
  }

  get isEstablishing(): boolean {
    return this.state === 'establishing';
  }

  get begunCount(): number {
    return this.receivedCount - this.waiting;
  }

  get waitingCount(): number {
    return this.waiting;
  }

  get isAtWork(): boolean {
    return this.isEstablishing || this.running > 0 || this.waiting > 0;
  }

  get isInMessage(): boolean {
    return this.transport.isInMessage;
  }
}
