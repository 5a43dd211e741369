/** The channel every connection is in; it cannot be joined or left. */
export const EVERYBODY = '*';

/** Which members are in which channel, indexed by channel; an empty channel takes no memory. */
export class Channels<Member> {
  readonly #members = new Map<string, Set<Member>>();

  members(channel: string): ReadonlySet<Member> | undefined {
    return this.#members.get(channel);
  }

  add(channel: string, member: Member): void {
    const members = this.#members.get(channel);
    if (members === undefined) this.#members.set(channel, new Set([member]));
    else members.add(member);
  }

  remove(channel: string, member: Member): void {
    const members = this.#members.get(channel);
    if (members?.delete(member) === true && members.size === 0) this.#members.delete(channel);
  }

  /** Number of channels with at least one member. */
  get size(): number {
    return this.#members.size;
  }
}
