import { escapeLine } from './escape.js';

const MAX_MESSAGE_CHARACTERS = 1_000;
const MAX_FRAME_CHARACTERS = 300;
const MAX_FRAMES = 30;
const MAX_FIELDS = 20;
/** How far causes are followed; the last one may hold itself. */
const MAX_DEPTH = 5;
const MAX_ERRORS = 10;

const NO_TEXT = 'something that has no text';
/** Told apart from the rest of an error. */
const TOLD = new Set(['name', 'message', 'stack', 'cause', 'errors']);

/**
 * The whole of an error for the log: name, message, stack, own fields (as drivers and `fetch` leave them), causes and the
 * errors of an `AggregateError`. Escaped and bounded, since an exception quotes what clients sent. Never throws: anything
 * can be thrown, also what throws when it is looked at.
 */
export function errorText(error: unknown): string {
  return linesOf(error, 0).join('\n');
}

function linesOf(error: unknown, depth: number): string[] {
  try {
    if (!(error instanceof Error)) return [escapeLine(textOf(error), MAX_MESSAGE_CHARACTERS)];
    const lines = [headOf(error), ...framesOf(error), ...fieldsOf(error)];
    if (depth === MAX_DEPTH) return lines;
    if (error.cause !== undefined) lines.push(...nested('cause', error.cause, depth));
    const { errors } = error as { errors?: unknown };
    if (Array.isArray(errors)) {
      for (const [index, one] of errors.slice(0, MAX_ERRORS).entries())
        lines.push(...nested(`errors[${index}]`, one, depth));
      if (errors.length > MAX_ERRORS) lines.push(`  and ${errors.length - MAX_ERRORS} more errors`);
    }
    return lines;
  } catch {
    return [NO_TEXT];
  }
}

function headOf(error: Error): string {
  return escapeLine(`${String(error.name)}: ${String(error.message)}`, MAX_MESSAGE_CHARACTERS);
}

/** The calls alone: what comes before them in a stack is the message, with its line ends as they are. */
function framesOf({ stack }: Error): string[] {
  if (typeof stack !== 'string') return [];
  const start = stack.search(/\n {4}at [^\n]+:\d+:\d+\)?(?:\n {4}at |\n|$)/);
  if (start === -1) return [];
  return stack
    .slice(start + 1)
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, MAX_FRAMES)
    .map((line) => escapeLine(line, MAX_FRAME_CHARACTERS));
}

function fieldsOf(error: Error): string[] {
  const lines: string[] = [];
  for (const name of Object.keys(error)) {
    if (TOLD.has(name)) continue;
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'function' || (typeof value === 'object' && value !== null) || value === undefined) continue;
    if (lines.push(escapeLine(`  ${name}: ${textOf(value)}`, MAX_FRAME_CHARACTERS)) === MAX_FIELDS) break;
  }
  return lines;
}

function nested(name: string, error: unknown, depth: number): string[] {
  const [head = '', ...rest] = linesOf(error, depth + 1);
  return [`  [${name}] ${head}`, ...rest.map((line) => `  ${line}`)];
}

function textOf(value: unknown): string {
  try {
    return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
  } catch {
    return NO_TEXT;
  }
}
