import { ReadingConnection } from './reading-connection.js';
import { SpentTime, type TimedConnection as Facts, type VisitLimits } from './time-limits.js';

/** What the ticker keeps the time of; counted in its visits. */
export abstract class TimedConnection extends ReadingConnection implements Facts {
  /** Made where the endpoint has a limit of time. */
  #spentTime: SpentTime | undefined;

  /** One visit; ends the connection where one of its times is over. */
  keepTimes(limits: VisitLimits): void {
    const end = (this.#spentTime ??= new SpentTime()).visit(this, limits);
    if (end !== undefined) this.end(end);
  }

  get isEstablishing(): boolean {
    return this.state === 'establishing';
  }

  get isAtWork(): boolean {
    return this.isEstablishing || this.running > 0 || this.waiting > 0;
  }

  get isInMessage(): boolean {
    return this.transport.isInMessage;
  }
}
