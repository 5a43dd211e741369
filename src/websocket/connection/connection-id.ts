import { randomFillSync } from 'node:crypto';

/** What every id begins with, so that no channel can be mistaken for one. */
const PREFIX = 'conn';

/** Random bytes of an id: 144 bits, more than a UUID has. */
const RANDOM_BYTES = 18;

/** Bytes of an id, the prefix included. */
const ID_BYTES = (PREFIX.length / 4) * 3 + RANDOM_BYTES;
const LENGTH = (ID_BYTES / 3) * 4;

/** Bytes of many ids at once: asking for random ones one by one costs more than everything else here. */
const pool = Buffer.alloc(ID_BYTES * 256);
let position = pool.length;

/**
 * Makes an identifier that cannot be guessed, unique over all processes. It is encoded in one go, because a string that is
 * put together from parts takes ten times the memory for as long as the connection lives.
 */
export function createConnectionId(): string {
  if (position === pool.length) {
    randomFillSync(pool);
    for (let start = 0; start < pool.length; start += ID_BYTES) pool.write(PREFIX, start, 'base64url');
    position = 0;
  }
  return pool.toString('base64url', position, (position += ID_BYTES));
}

/** Tells whether a name has the form of a connection's id; such a name is never a channel. */
export function isConnectionId(name: string): boolean {
  return name.length === LENGTH && FORM.test(name);
}

const FORM = new RegExp(`^${PREFIX}[\\w-]+$`);
