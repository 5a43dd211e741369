import type { AudienceAddress } from '../backplane/audience-address.js';
import type { Counted, Listed, Reached } from '../connection/audience.js';
import type { ClosingDecision } from '../connection/closing-decision.js';
import type { Delivery } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import type { MessageForm } from '../serializer/message-form.js';

/** How far the verbs of an audience reach: its members in this process, and with a backplane those of other nodes. */
export interface Reach {
  /** Id of this node. */
  readonly node: string;
  /** Keys of `connection.data` that lists show. */
  readonly exposed: readonly string[];
  /** Sends a value to a snapshot of connections; `address` says who is meant on other nodes, `undefined` that it stays here. */
  deliver(
    members: readonly ServedConnection[],
    value: unknown,
    form: MessageForm,
    address: AudienceAddress | undefined,
  ): Delivery;
  /** The way to other nodes; `undefined` without a backplane. */
  readonly others: OtherNodes | undefined;
}

/** What other nodes do for an audience. None of it throws or rejects. */
export interface OtherNodes {
  close(address: AudienceAddress, decision: ClosingDecision): Promise<Reached>;
  join(address: AudienceAddress, channels: readonly string[]): Promise<Reached>;
  leave(address: AudienceAddress, channels: readonly string[]): Promise<Reached>;
  count(address: AudienceAddress): Promise<Counted>;
  list(address: AudienceAddress): Promise<Listed>;
}
