import { Logger } from '@nestjs/common';
import { errorText } from './error-text.js';
import { escapeLine } from './escape.js';

type Level = 'error' | 'warn' | 'debug';

/** The peer that a line is about, so that an incident can be followed through the log. */
export interface LogSubject {
  /** Id of the connection, where there is one. */
  readonly id?: string;
  readonly context: { readonly ip: string; readonly user?: unknown };
}

const MAX_LINE_CHARACTERS = 1_000;
/** Lines of one kind within a second; the others are counted. */
const MAX_LINES_PER_SECOND = 20;
const SECOND_MS = 1_000;

// Taken once: a test with fake timers that never run must not keep the counting of later ones.
const { setTimeout } = globalThis;

/** What was logged of one kind within the current second. */
interface Window {
  lines: number;
  leftOut: number;
}

/**
 * The log of this library. A line is one line: what a client wrote cannot begin another or colour the terminal. It is
 * bounded in length, and in number for each kind within a second; what is left out is counted and summed up when the second
 * is over. The text of a message or of a token is never part of a line.
 */
export class Log {
  readonly #logger = new Logger('PlackWebSocket');
  readonly #windows = new Map<string, Window>();

  /** A fault that an operator has to look at. `kind` is what lines are counted by: a constant or the name of a class. */
  error(kind: string, text: string, error?: unknown, subject?: LogSubject): void {
    this.#write('error', kind, text, error, subject);
  }

  warn(kind: string, text: string, error?: unknown, subject?: LogSubject): void {
    this.#write('warn', kind, text, error, subject);
  }

  /** What an operator wants to know once, such as what the application is connected to. */
  info(text: string): void {
    this.#logger.log(escapeLine(text, MAX_LINE_CHARACTERS));
  }

  /** What a peer did wrong. Costs nothing unless the level is on: `text` is only asked then. */
  debug(kind: string, text: () => string, subject?: LogSubject): void {
    if (isDebugOn()) this.#write('debug', kind, text(), undefined, subject);
  }

  /** An application starts: what an earlier one in the process logged does not count for it. */
  restart(): void {
    this.#windows.clear();
  }

  #write(level: Level, kind: string, text: string, error: unknown, subject: LogSubject | undefined): void {
    if (!this.#admits(level, kind)) return;
    const line = escapeLine(`${text}${subject === undefined ? '' : nameOf(subject)}`, MAX_LINE_CHARACTERS);
    if (error === undefined) this.#logger[level](line);
    else this.#logger[level](line, errorText(error));
  }

  #admits(level: Level, kind: string): boolean {
    const key = `${level} ${kind}`;
    const known = this.#windows.get(key);
    if (known === undefined) {
      const opened = { lines: 1, leftOut: 0 };
      this.#windows.set(key, opened);
      setTimeout(() => this.#close(opened, level, kind), SECOND_MS).unref();
      return true;
    }
    if (known.lines < MAX_LINES_PER_SECOND) {
      known.lines++;
      return true;
    }
    known.leftOut++;
    return false;
  }

  #close(opened: Window, level: Level, kind: string): void {
    const key = `${level} ${kind}`;
    if (this.#windows.get(key) !== opened) return;
    this.#windows.delete(key);
    const { leftOut } = opened;
    if (leftOut > 0) this.#logger[level](escapeLine(`${kind}: and ${leftOut} more in a second`, MAX_LINE_CHARACTERS));
  }
}

/** The log that all of the library writes to; where it goes is decided by the application's `Logger`. */
export const log = new Log();

/**
 * Nest 10 and 11 say that no level is on where the application never chose its levels, although all are on then. With
 * levels that were chosen, `fatal` is always on.
 */
function isDebugOn(): boolean {
  return Logger.isLevelEnabled('debug') || !Logger.isLevelEnabled('fatal');
}

function nameOf(subject: LogSubject): string {
  const id = ask(() => subject.id);
  const user = ask(() => userText(subject.context.user));
  const address = ask(() => subject.context.ip) ?? '';
  const parts = [
    ...(id === undefined ? [] : [`connection ${id}`]),
    ...(user === undefined ? [] : [`user ${user}`]),
    address === '' ? 'address unknown' : `address ${address}`,
  ];
  return ` (${parts.join(', ')})`;
}

/** The application has a part in each answer: accessors of its user, `trustProxy`. What throws is left out of the line. */
function ask(question: () => string | undefined): string | undefined {
  try {
    return question();
  } catch {
    return undefined;
  }
}

/** The id of a user in the forms that are common; another one is left out, since the whole user may hold secrets. */
function userText(user: unknown): string | undefined {
  if (typeof user !== 'object' || user === null) return isShown(user) ? String(user) : undefined;
  const { id, sub } = user as { id?: unknown; sub?: unknown };
  const known = id ?? sub;
  return isShown(known) ? String(known) : undefined;
}

function isShown(id: unknown): id is string | number | bigint {
  return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint';
}
