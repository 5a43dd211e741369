import { CloseCode, toSendableCode } from '../protocol/close-code.js';
import { Audience, type Connection, type Exception } from './connection.js';
import type { Delivery } from './delivery.js';

/** Sends a value to a snapshot of connections. */
export type Deliver = (members: readonly Connection[], value: unknown) => Delivery;

/** An audience over the connections that somebody selects. */
export class SelectedAudience extends Audience {
  constructor(
    private readonly select: () => Iterable<Connection>,
    private readonly deliver: Deliver,
    private readonly sender: Connection | undefined,
    private readonly exceptions: readonly Exception[] = [],
  ) {
    super();
  }

  override except(...exceptions: readonly Exception[]): Audience {
    return new SelectedAudience(this.select, this.deliver, this.sender, [...this.exceptions, ...exceptions]);
  }

  override send(value: unknown): Delivery {
    return this.deliver(this.#members(), value);
  }

  override broadcast(value: unknown): Delivery {
    return (this.sender === undefined ? this : this.except(this.sender)).send(value);
  }

  override close(code: number = CloseCode.normal, reason?: string): number {
    // A wrong code is a fault of the caller, whether or not anybody is there.
    const sendable = toSendableCode(code);
    const members = this.#members();
    for (const connection of members) connection.close(sendable, reason);
    return members.length;
  }

  override get size(): number {
    return this.#members().length;
  }

  override [Symbol.iterator](): IterableIterator<Connection> {
    return this.#members()[Symbol.iterator]();
  }

  #members(): Connection[] {
    const members = [...this.select()];
    if (this.exceptions.length === 0) return members;
    return members.filter((connection) => !this.exceptions.some((exception) => leavesOut(exception, connection)));
  }
}

function leavesOut(exception: Exception, connection: Connection): boolean {
  if (typeof exception !== 'string') return exception === connection;
  return exception === connection.id || connection.inChannel(exception);
}
