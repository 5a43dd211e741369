/*
 * Texts of errors for the log; never sent to a peer. Anything can be thrown, also what has no text or throws when it is
 * asked for one, and the log must survive it.
 */

const NO_TEXT = 'something that has no text';

/** One line. */
export function describe(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return NO_TEXT;
  }
}

/** Name and message, then the stack where there is one. */
export function stackOf(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error);
  } catch {
    return NO_TEXT;
  }
}
