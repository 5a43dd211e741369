import { randomFillSync } from 'node:crypto';

/** What every id begins with, so that no channel can be mistaken for one. */
const PREFIX = 'conn';

/** Random bytes of an id: 144 bits, more than a UUID has. */
const RANDOM_BYTES = 18;

/** The bytes of one id; the first three are the prefix in base64. */
const bytes = Buffer.concat([Buffer.from(PREFIX, 'base64url'), Buffer.alloc(RANDOM_BYTES)]);
const LENGTH = PREFIX.length + (RANDOM_BYTES / 3) * 4;

/** Random bytes for many ids at once: asking for them one by one costs more than everything else here. */
const pool = Buffer.alloc(RANDOM_BYTES * 256);
let position = pool.length;

/**
 * Makes an identifier that nobody can guess, unique over all processes. It is encoded in one go, because a string that is
 * put together from parts takes ten times the memory for as long as the connection lives.
 */
export function createConnectionId(): string {
  if (position === pool.length) {
    randomFillSync(pool);
    position = 0;
  }
  pool.copy(bytes, bytes.length - RANDOM_BYTES, position, (position += RANDOM_BYTES));
  return bytes.toString('base64url');
}

/** Tells whether a name has the form of a connection's id; such a name is never a channel. */
export function isConnectionId(name: string): boolean {
  return name.length === LENGTH && name.startsWith(PREFIX);
}
