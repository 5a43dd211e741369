import { CloseCode, toSendableCode } from '../protocol/close-code.js';
import { assertCloseReason } from '../protocol/close-reason.js';
import { Audience, type Addressee } from '../connection/audience.js';
import type { ClosingDecision } from '../connection/closing-decision.js';
import type { Delivery } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { PLAIN_PUSH, pushForm } from '../serializer/envelope.js';
import type { MessageForm } from '../serializer/message-form.js';
import { Exceptions, readAddressees } from './addressees.js';

/** Where an audience begins, before `only` and `except`; looked up anew for each verb. */
export interface AudienceBase {
  members(): Iterable<ServedConnection>;
  /** Gives those of the base that may be in any of these channels, where there is a shorter way to them than over all. */
  narrowed?(channels: ReadonlySet<string>): readonly ServedConnection[] | undefined;
}

/** Close frames of more members than this are written in slices. */
const MAX_AT_ONCE = 16;

/** Sends a value to a snapshot of connections. */
export type Deliver = (members: readonly ServedConnection[], value: unknown, form: MessageForm) => Delivery;

/** An audience over connections that are selected anew for each call. */
export class SelectedAudience extends Audience<ServedConnection> {
  constructor(
    private readonly base: AudienceBase,
    private readonly deliver: Deliver,
    private readonly sender: ServedConnection | undefined,
    private readonly onlys: readonly ReadonlySet<string>[] = [],
    private readonly exceptions?: Exceptions,
  ) {
    super();
  }

  override only(...kept: readonly (Addressee | Iterable<Addressee>)[]): Audience<ServedConnection> {
    const onlys = [...this.onlys, readAddressees(kept, 'only')];
    return new SelectedAudience(this.base, this.deliver, this.sender, onlys, this.exceptions);
  }

  override except(...excluded: readonly (Addressee | Iterable<Addressee>)[]): Audience<ServedConnection> {
    const exceptions = new Exceptions(readAddressees(excluded, 'except'), this.exceptions);
    return new SelectedAudience(this.base, this.deliver, this.sender, this.onlys, exceptions);
  }

  override send(value: unknown): Delivery;
  override send(event: string, data: unknown): Delivery;
  override send(value: unknown, ...rest: readonly unknown[]): Delivery {
    return this.#deliver(this.connections(), value, rest);
  }

  override broadcast(value: unknown): Delivery;
  override broadcast(event: string, data: unknown): Delivery;
  override broadcast(value: unknown, ...rest: readonly unknown[]): Delivery {
    const members = this.connections();
    const place = this.sender === undefined ? -1 : members.indexOf(this.sender);
    if (place !== -1) members.splice(place, 1);
    return this.#deliver(members, value, rest);
  }

  override close(code: number = CloseCode.normal, reason = ''): number {
    // Wrong arguments are a fault of the caller, also when the audience is empty.
    const sendable = toSendableCode(code);
    assertCloseReason(reason);
    const members = this.connections();
    const decision: ClosingDecision = { code: sendable, reason, initiator: 'server' };
    // It may be a revocation: they are out at once, also those whose handlers run.
    for (const connection of members) connection.end(decision, members.length > MAX_AT_ONCE);
    return members.length;
  }

  override get size(): number {
    return this.connections().length;
  }

  override [Symbol.iterator](): IterableIterator<ServedConnection> {
    return this.connections()[Symbol.iterator]();
  }

  override connections(): ServedConnection[] {
    const { base, onlys, exceptions } = this;
    const [first] = onlys;
    const members = [...((first === undefined ? undefined : base.narrowed?.(first)) ?? base.members())];
    if (first === undefined && exceptions === undefined) return members;
    const excluded = exceptions?.all;
    return members.filter(
      (connection) =>
        onlys.every((names) => connection.isAnyOf(names)) && (excluded === undefined || !connection.isAnyOf(excluded)),
    );
  }

  #deliver(members: readonly ServedConnection[], value: unknown, rest: readonly unknown[]): Delivery {
    const form = pushForm(value, rest);
    return this.deliver(members, form === PLAIN_PUSH ? value : rest[0], form);
  }
}
