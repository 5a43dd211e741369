/*
 * Texts of errors for the log; never sent to a peer. Anything can be thrown, also what has no text or throws when it is
 * asked for one, and the log must survive it.
 */

const NO_TEXT = 'something that has no text';

/** One line. */
export function describeError(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return NO_TEXT;
  }
}

const MAX_QUOTED = 200;

/** What a client wrote, in the text of an error: escaped and bounded. */
export function quote(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  return text.length > MAX_QUOTED ? `${JSON.stringify(text.slice(0, MAX_QUOTED))}…` : JSON.stringify(text);
}
