import type { Type } from '@nestjs/common';
import type { LogSubject } from '../log/log.js';
import { log } from '../log/log.js';

/** A message that is being handled, and has limited time for it. */
export class HandlerDeadline {
  #visits = 0;

  constructor(private readonly onOver: () => void) {}

  /** One visit of the ticker; tells whether its time is over. */
  visit(limit: number): boolean {
    // The first visit finds what began since the one before.
    if (this.#visits++ < limit) return false;
    this.onOver();
    return true;
  }
}

/** A connection as the log tells of a late handler. */
export interface LateConnection extends LogSubject {
  readonly endpoint: Type;
  readonly isEstablishing: boolean;
  /** Messages that have begun so far. */
  readonly begunCount: number;
  /** Messages that wait. */
  readonly waitingCount: number;
  /** The method that runs, as far as it is known. */
  readonly work: string | undefined;
}

/** Methods that were named already, by the class of their endpoint. */
const named = new WeakMap<Type, Set<string>>();

/** How long one connection has been held up by the same handler, in visits. */
export class HeldUp {
  #visits = 0;
  #begun = -1;

  /** One visit to a connection that is held up. */
  visit(connection: LateConnection, limit: number, limitMs: number): void {
    this.#visits = connection.begunCount === this.#begun ? this.#visits + 1 : 0;
    this.#begun = connection.begunCount;
    if (this.#visits === limit) nameOnce(connection, limitMs);
  }
}

function nameOnce(connection: LateConnection, limitMs: number): void {
  const { endpoint, isEstablishing, waitingCount, work } = connection;
  const method = isEstablishing ? `@OnEstablish of ${endpoint.name}` : (work ?? endpoint.name);
  const known = named.get(endpoint) ?? new Set();
  if (known.has(method)) return;
  named.set(endpoint, known.add(method));
  const wait =
    waitingCount === 0 ? 'no message is handled before' : `${waitingCount} messages of its client wait for it`;
  const remedy = isEstablishing
    ? 'A promise or an Observable that it returns is awaited: return what settles, and begin what goes on without awaiting it.'
    : 'Messages of one connection are handled one after another: begin long work without awaiting it, or set concurrency.';
  log.warn(
    'late handler',
    `${method} has not settled for ${limitMs} ms, and ${wait}. ${remedy} Told once for each method; see limits.lateHandlerMs.`,
    undefined,
    connection,
  );
}
