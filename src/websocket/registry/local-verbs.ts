import type { ClosingDecision } from '../connection/closing-decision.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { describeError } from '../errors/describe-error.js';
import { log } from '../log/log.js';

/** Close frames of more members than this are written in slices. */
const MAX_AT_ONCE = 16;

/** It may be a revocation: they are out at once, also those whose handlers run. */
export function closeAll(members: readonly ServedConnection[], decision: ClosingDecision): void {
  for (const connection of members) connection.end(decision, members.length > MAX_AT_ONCE);
}

/** One that may be in no more channels is left out: the others are not to miss anything because of it. */
export function joinAll(members: readonly ServedConnection[], channels: readonly string[]): void {
  for (const connection of members) {
    try {
      connection.join(channels);
    } catch (error) {
      const { name } = connection.endpoint;
      log.warn(
        'registry',
        `A connection of ${name} was left out of a join: ${describeError(error)}`,
        error,
        connection,
      );
    }
  }
}

export function leaveAll(members: readonly ServedConnection[], channels: readonly string[]): void {
  for (const connection of members) connection.leave(channels);
}
