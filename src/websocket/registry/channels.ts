/** Which members are in which channel, or of which kind; an empty channel takes no memory. */
export class Channels<Member, Name = string> {
  readonly #members = new Map<Name, Set<Member>>();

  members(channel: Name): ReadonlySet<Member> | undefined {
    return this.#members.get(channel);
  }

  /** Tells whether it is the first member. */
  add(channel: Name, member: Member): boolean {
    const members = this.#members.get(channel);
    if (members !== undefined) {
      members.add(member);
      return false;
    }
    this.#members.set(channel, new Set([member]));
    return true;
  }

  /** Tells whether it was the last member. */
  remove(channel: Name, member: Member): boolean {
    const members = this.#members.get(channel);
    if (members?.delete(member) !== true || members.size > 0) return false;
    this.#members.delete(channel);
    return true;
  }

  /** Names of channels with at least one member. */
  names(): IterableIterator<Name> {
    return this.#members.keys();
  }
}
