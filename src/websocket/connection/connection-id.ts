import { randomUUID } from 'node:crypto';

/** What every id begins with, so that no channel can be mistaken for one: rooms are often named by UUIDs. */
const PREFIX = 'c:';
const LENGTH = PREFIX.length + 36;

/** Makes an identifier that nobody can guess, unique over all processes. */
export function createConnectionId(): string {
  return PREFIX + randomUUID();
}

/** Tells whether a name has the form of a connection's id; such a name is never a channel. */
export function isConnectionId(name: string): boolean {
  return name.length === LENGTH && name.startsWith(PREFIX);
}
