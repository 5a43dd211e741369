import type { AudienceAddress, BaseAddress } from '../backplane/audience-address.js';
import { Audience, type Addressee, type Counted, type Listed, type Reached } from '../connection/audience.js';
import { readChannels, readNames, type ChannelNames } from '../connection/channel-name.js';
import type { ClosingDecision } from '../connection/closing-decision.js';
import type { Delivery } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { CloseCode, toSendableCode } from '../protocol/close-code.js';
import { assertCloseReason } from '../protocol/close-reason.js';
import { PLAIN_PUSH, pushForm } from '../serializer/envelope.js';
import { Exceptions, readAddressees } from './addressees.js';
import { describeMember } from './listed-connection.js';
import { closeAll, joinAll, leaveAll } from './local-verbs.js';
import type { OtherNodes, Reach } from './reach.js';

/** Where an audience begins, before `only` and `except`; looked up anew for each verb. */
export interface AudienceBase {
  /** The same for other nodes; `undefined` for what no other node can have. */
  readonly address: BaseAddress | undefined;
  members(): Iterable<ServedConnection>;
  /** Gives those of the base that may be in any of these channels, where there is a shorter way to them than over all. */
  narrowed?(channels: ReadonlySet<string>): readonly ServedConnection[] | undefined;
}

/** The steps of an audience after its base; each call of `only` or `except` adds to them. */
interface Steps {
  readonly sender: ServedConnection | undefined;
  readonly onlys: readonly ReadonlySet<string>[];
  readonly exceptions: Exceptions | undefined;
  /** Other nodes are left out. */
  readonly isHere: boolean;
}

/** An audience over connections that are selected anew for each call. */
export class SelectedAudience extends Audience<ServedConnection> {
  constructor(
    private readonly base: AudienceBase,
    private readonly reach: Reach,
    private readonly steps: Steps,
  ) {
    super();
  }

  override only(...kept: readonly (Addressee | Iterable<Addressee>)[]): Audience<ServedConnection> {
    return this.#with({ onlys: [...this.steps.onlys, readAddressees(kept, 'only')] });
  }

  override except(...excluded: readonly (Addressee | Iterable<Addressee>)[]): Audience<ServedConnection> {
    return this.#with({ exceptions: new Exceptions(readAddressees(excluded, 'except'), this.steps.exceptions) });
  }

  override get here(): Audience<ServedConnection> {
    return this.#with({ isHere: true });
  }

  override send(value: unknown): Delivery;
  override send(event: string, data: unknown): Delivery;
  override send(value: unknown, ...rest: readonly unknown[]): Delivery {
    return this.#deliver(this.connections(), value, rest, undefined);
  }

  override broadcast(value: unknown): Delivery;
  override broadcast(event: string, data: unknown): Delivery;
  override broadcast(value: unknown, ...rest: readonly unknown[]): Delivery {
    const members = this.connections();
    const { sender } = this.steps;
    const place = sender === undefined ? -1 : members.indexOf(sender);
    if (place !== -1) members.splice(place, 1);
    return this.#deliver(members, value, rest, sender);
  }

  override close(code: number = CloseCode.normal, reason = ''): Promise<Reached> {
    // Wrong arguments are a fault of the caller, also when the audience is empty.
    const sendable = toSendableCode(code);
    assertCloseReason(reason);
    const decision: ClosingDecision = { code: sendable, reason, initiator: 'server' };
    closeAll(this.connections(), decision);
    return this.#elsewhere((others, address) => others.close(address, decision)) ?? this.#doneHere();
  }

  override join(...channels: readonly ChannelNames[]): Promise<Reached> {
    const names = readChannels(channels, 'join');
    joinAll(this.connections(), names);
    return this.#elsewhere((others, address) => others.join(address, names)) ?? this.#doneHere();
  }

  override leave(...channels: readonly ChannelNames[]): Promise<Reached> {
    const names = readNames(channels, 'leave');
    leaveAll(this.connections(), names);
    return this.#elsewhere((others, address) => others.leave(address, names)) ?? this.#doneHere();
  }

  override async count(): Promise<Counted> {
    const total = this.size;
    const counted = await this.#elsewhere((others, address) => others.count(address));
    return counted === undefined ? { total, ...this.#here } : { ...counted, total: total + counted.total };
  }

  override async list(): Promise<Listed> {
    const { node, exposed } = this.reach;
    const own = this.connections().map((connection) => describeMember(connection, node, exposed));
    const listed = await this.#elsewhere((others, address) => others.list(address));
    if (listed === undefined) return { connections: own, ...this.#here };
    return { ...listed, connections: [...own, ...listed.connections] };
  }

  override get size(): number {
    return this.connections().length;
  }

  override [Symbol.iterator](): IterableIterator<ServedConnection> {
    return this.connections()[Symbol.iterator]();
  }

  override connections(): ServedConnection[] {
    const { base } = this;
    const { onlys, exceptions } = this.steps;
    const [first] = onlys;
    const members = [...((first === undefined ? undefined : base.narrowed?.(first)) ?? base.members())];
    if (first === undefined && exceptions === undefined) return members;
    const excluded = exceptions?.all;
    return members.filter(
      (connection) =>
        onlys.every((names) => connection.isAnyOf(names)) && (excluded === undefined || !connection.isAnyOf(excluded)),
    );
  }

  #with(steps: Partial<Steps>): SelectedAudience {
    return new SelectedAudience(this.base, this.reach, { ...this.steps, ...steps });
  }

  #deliver(
    members: readonly ServedConnection[],
    value: unknown,
    rest: readonly unknown[],
    leftOut: ServedConnection | undefined,
  ): Delivery {
    const form = pushForm(value, rest);
    return this.reach.deliver(members, form === PLAIN_PUSH ? value : rest[0], form, this.#address(leftOut));
  }

  #elsewhere<Result>(
    carryOut: (others: OtherNodes, address: AudienceAddress) => Promise<Result>,
  ): Promise<Result> | undefined {
    const address = this.#address(undefined);
    const { others } = this.reach;
    return address === undefined || others === undefined ? undefined : carryOut(others, address);
  }

  /** The audience for other nodes; `undefined` where none of them has a part in it. */
  #address(leftOut: ServedConnection | undefined): AudienceAddress | undefined {
    const { onlys, exceptions, isHere } = this.steps;
    const base = this.base.address;
    if (base === undefined || isHere || this.reach.others === undefined) return undefined;
    const excepts = leftOut === undefined ? [] : [leftOut.id];
    return { base, onlys: onlys.map((names) => [...names]), excepts: [...excepts, ...(exceptions?.all ?? [])] };
  }

  get #here(): Reached {
    return { nodes: [this.reach.node], missing: [] };
  }

  #doneHere(): Promise<Reached> {
    return Promise.resolve(this.#here);
  }
}

/** Begins an audience. */
export function audienceOf(base: AudienceBase, reach: Reach, sender: ServedConnection | undefined): SelectedAudience {
  return new SelectedAudience(base, reach, { sender, onlys: [], exceptions: undefined, isHere: false });
}
