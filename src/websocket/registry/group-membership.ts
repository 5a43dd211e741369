import type { Type } from '@nestjs/common';
import { subjectsOf, type AudienceAddress, type EndpointKey } from '../backplane/audience-address.js';
import type { Backplane } from '../backplane/backplane.js';
import { ConnectionIds, createNodeId } from '../backplane/node-id.js';
import { NodeGroup } from '../backplane/node-group.js';
import type { BackplaneState } from '../backplane/node-watch.js';
import type { BackplaneNode } from '../backplane/nodes.js';
import { ALL_NODES, subjectOf } from '../backplane/subject.js';
import { EVERYBODY } from '../connection/channel-name.js';
import type { Audience } from '../connection/audience.js';
import type { Delivery, Relayed } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import type { MessageForm } from '../serializer/message-form.js';
import type { FanOut, HandOn } from './fan-out.js';
import type { Members } from './members.js';
import type { OtherNodes, Reach } from './reach.js';
import type { RegistryEvents } from './registry-events.js';
import { Relay } from './relay.js';
import { SerializerNames } from './serializer-names.js';
import { audienceOf } from './selected-audience.js';

/** The node that this process is: alone, or with a backplane one of a group. */
export class GroupMembership implements Reach {
  readonly node = createNodeId();
  readonly #ids = new ConnectionIds(this.node);
  readonly #bootedAt = new Date();
  /** Channels with members here, by their subjects. */
  readonly #channels = new Map<string, string>();
  #group: NodeGroup | undefined;
  #relay: Relay | undefined;
  #isOpen = false;

  constructor(
    private readonly members: Members,
    private readonly fanOut: FanOut,
    private readonly events: RegistryEvents,
  ) {}

  createId(): string {
    return this.#ids.create();
  }

  get others(): OtherNodes | undefined {
    return this.#isOpen && this.#group?.mayHaveOthers === true ? this.#relay : undefined;
  }

  get exposed(): readonly string[] {
    return this.#group?.backplane.settings.expose ?? [];
  }

  get state(): BackplaneState {
    return this.#group?.state ?? 'connected';
  }

  get nodes(): readonly BackplaneNode[] {
    const { node: id, members } = this;
    return this.#group?.nodes ?? [{ id, name: '', since: this.#bootedAt, connections: members.size }];
  }

  /**
   * Becomes a node of a group; `open` connects it. `keys` are what endpoints are called on every node.
   * @throws ConfigurationError for serializers that nodes cannot tell apart, and for a backplane that another application has.
   */
  join(backplane: Backplane, keys: ReadonlyMap<Type, EndpointKey>): void {
    this.members.endpointKeys = keys;
    backplane.belongTo(this);
    const names = new SerializerNames(this.fanOut.serializers);
    const { members } = this;
    const group: NodeGroup = new NodeGroup(backplane, this.node, backplane.nodeName, {
      get connections() {
        return members.size;
      },
      take: (kind, reader, node) => relay.take(kind, reader, node),
      missed: (subject, node, missed) => this.#tellOfGap(subject, node, missed),
      state: (state) => this.events.backplane(state),
    });
    const relay = new Relay(group, (address) => this.#select(address), this.fanOut, names);
    this.#group = group;
    this.#relay = relay;
    members.watch({
      channel: (name, isThere) => this.#follow(subjectOf('channel', name), isThere, name),
      user: (id, isThere) => this.#follow(subjectOf('user', id), isThere),
      endpoint: (type, isThere) => this.#followEndpoint(type, isThere),
    });
  }

  /** Never rejects. */
  async open(): Promise<void> {
    this.#isOpen = this.#group !== undefined;
    await this.#group?.open();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#group?.close();
    this.#group?.backplane.release();
    this.#isOpen = false;
  }

  deliver(
    members: readonly ServedConnection[],
    value: unknown,
    form: MessageForm,
    address: AudienceAddress | undefined,
  ): Delivery {
    return this.fanOut.deliver(members, value, form, this.#onward(address));
  }

  #onward(address: AudienceAddress | undefined): HandOn | Relayed | undefined {
    const group = this.#group;
    const relay = this.#relay;
    if (group === undefined || relay === undefined) return undefined;
    if (!this.#isOpen) return 'not ready';
    if (address === undefined || !group.mayHaveOthers) return 'no';
    const subjects = subjectsOf(address.base, this.node);
    return subjects.length === 0 ? 'no' : (encoded) => relay.send(subjects, address, encoded);
  }

  #select({ base, onlys, excepts }: AudienceAddress): readonly ServedConnection[] {
    let audience: Audience<ServedConnection> = audienceOf(this.members.at(base), this, undefined).here;
    for (const names of onlys) audience = audience.only(names);
    return (excepts.length === 0 ? audience : audience.except(excepts)).connections();
  }

  #follow(subject: string, isThere: boolean, channel?: string): void {
    if (isThere) this.#group?.follow(subject);
    else this.#group?.unfollow(subject);
    if (channel === undefined) return;
    if (isThere) this.#channels.set(subject, channel);
    else this.#channels.delete(subject);
  }

  #followEndpoint(type: Type, isThere: boolean): void {
    const key = this.members.endpointKeys.get(type);
    if (key !== undefined) this.#follow(subjectOf('endpoint', key.path), isThere);
  }

  #tellOfGap(subject: string, node: string, missed: number | undefined): void {
    const channel = subject === ALL_NODES ? EVERYBODY : this.#channels.get(subject);
    if (channel !== undefined) this.events.gap({ channel, node, missed });
  }
}
