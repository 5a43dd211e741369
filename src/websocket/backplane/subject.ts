import { createHash } from 'node:crypto';

/** Where an envelope goes. A channel, a user and an endpoint each have a subject; so has a node, and all of them together. */
export type SubjectKind = 'channel' | 'user' | 'endpoint' | 'presence' | 'node';

const LETTERS: Readonly<Record<SubjectKind, string>> = {
  channel: 'c',
  user: 'u',
  endpoint: 'e',
  presence: 'p',
  node: 'n',
};

/** The subject of all nodes. */
export const ALL_NODES = 'a';

/** Bytes of a name above which its hash takes its place: engines bound the length of what they follow. */
const MAX_NAME_BYTES = 120;

/**
 * The subject of a name, in characters that no engine gives a meaning to. Names are told apart by code unit, in any length: a
 * long one is hashed, and its envelope carries the name.
 */
export function subjectOf(kind: SubjectKind, name: string): string {
  const bytes = Buffer.from(name);
  const isLong = bytes.length > MAX_NAME_BYTES;
  const token = isLong ? createHash('sha256').update(bytes).digest('base64url') : bytes.toString('base64url');
  return `${LETTERS[kind]}${isLong ? '-' : '_'}${token}`;
}
