import { randomBytes, randomFillSync } from 'node:crypto';

/** What every id of a connection begins with, so that no channel can be mistaken for one. */
const PREFIX = 'conn';

const NODE_BYTES = 6;
/** Random bytes of a connection: 96 bits, beyond all guessing over a network. */
const RANDOM_BYTES = 12;

const PREFIX_BYTES = (PREFIX.length / 4) * 3;
/** Bytes of an id, the prefix included. */
const ID_BYTES = PREFIX_BYTES + NODE_BYTES + RANDOM_BYTES;
const LENGTH = (ID_BYTES / 3) * 4;
const NODE_START = PREFIX.length;
const NODE_LENGTH = (NODE_BYTES / 3) * 4;

/** Ids that are made at once: asking for random bytes one by one costs more than everything else here. */
const IDS_AT_ONCE = 256;

/** Makes the id of a node: one for each start of an application, so that one that comes back is told from the one before. */
export function createNodeId(): string {
  return randomBytes(NODE_BYTES).toString('base64url');
}

/** Makes ids of connections. Each tells the node that it belongs to. */
export class ConnectionIds {
  readonly #pool = Buffer.alloc(ID_BYTES * IDS_AT_ONCE);
  #position = this.#pool.length;

  constructor(private readonly node: string) {}

  /**
   * Makes an identifier that cannot be guessed, unique over all processes. It is encoded in one go, because a string that is
   * put together from parts takes ten times the memory for as long as the connection lives.
   */
  create(): string {
    const pool = this.#pool;
    if (this.#position === pool.length) this.#fill();
    return pool.toString('base64url', this.#position, (this.#position += ID_BYTES));
  }

  #fill(): void {
    randomFillSync(this.#pool);
    const start = Buffer.from(PREFIX + this.node, 'base64url');
    for (let position = 0; position < this.#pool.length; position += ID_BYTES) start.copy(this.#pool, position);
    this.#position = 0;
  }
}

/** Tells whether a name has the form of a connection's id; such a name is never a channel. */
export function isConnectionId(name: string): boolean {
  return name.length === LENGTH && FORM.test(name);
}

/** The id of the node that a connection belongs to. */
export function nodeOf(connectionId: string): string {
  return connectionId.slice(NODE_START, NODE_START + NODE_LENGTH);
}

const FORM = new RegExp(`^${PREFIX}[\\w-]+$`);
