/** What a number counts, for the message of an error. */
export type Unit =
  | 'bytes'
  | 'channels'
  | 'chunks'
  | 'connections'
  | 'frames'
  | 'frames per second'
  | 'handshakes'
  | 'handshakes per minute'
  | 'hops'
  | 'messages'
  | 'messages per second'
  | 'milliseconds'
  | 'pongs'
  | 'streams';

/**
 * One option, described as data: what it may be, as words for the error message and as a test. `check-options.ts` reads
 * the description; nothing else decides whether a value is taken.
 */
export type OptionRule = ValueRule | NumberRule | ListRule | GroupRule | AlternativesRule;

interface CommonRule {
  /** Says what is dangerous about a value that is taken; `undefined` for nothing. */
  readonly warn?: (value: unknown) => string | undefined;
  /** Why the option has its place on the module, where an endpoint may not set it. */
  readonly onlyOnModule?: string;
}

/** A value that a test of its own recognizes. */
export interface ValueRule extends CommonRule {
  readonly kind: 'value';
  /** Completes "must be …", one entry for each form. */
  readonly words: readonly string[];
  readonly test: (value: unknown) => boolean;
}

/** A whole number. */
export interface NumberRule extends CommonRule {
  readonly kind: 'number';
  /** `undefined` for a level, which counts nothing. */
  readonly unit: Unit | undefined;
  readonly min: number;
  /** Largest number that does what it says; without it every larger one does. */
  readonly max?: number;
  /** What 0 means, where it stands for something else than a number below `min`. */
  readonly zero?: string;
}

/** A list whose members have one rule. */
export interface ListRule extends CommonRule {
  readonly kind: 'list';
  readonly words: string;
  readonly member: OptionRule;
}

/** Options by name. */
export type OptionTable<Name extends string = string> = Readonly<Record<Name, OptionRule>>;

/** An object with options of its own. */
export interface GroupRule extends CommonRule {
  readonly kind: 'group';
  readonly options: OptionTable;
  /** Names that may not be missing. */
  readonly required: readonly string[];
  /** Other names are left to other code instead of being refused. */
  readonly isOpen: boolean;
}

/** Several forms of one option; the first that has the shape of the value decides. */
export interface AlternativesRule extends CommonRule {
  readonly kind: 'alternatives';
  readonly of: readonly OptionRule[];
}

/** Timers of Node end at once when they are set to more (2^31 - 1), and so does what waits for them. */
const MAX_TIMER_MS = 2_147_483_647;

/** `ws` counts in 32 bits; 2^32 would be 0 there, which means no limit. */
const MAX_INT32 = 2_147_483_647;

/** One of these values. */
export function choice(...values: readonly (string | boolean)[]): ValueRule {
  const words = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
  return { kind: 'value', words, test: (value) => values.includes(value as string | boolean) };
}

export const flag: OptionRule = choice(true, false);

/** A string; `words` say of which kind. */
export function text(words = 'a string'): ValueRule {
  return { kind: 'value', words: [words], test: (value) => typeof value === 'string' };
}

/** A function; `words` say what else it may be, such as a class. */
export function callable(...words: readonly string[]): ValueRule {
  return { kind: 'value', words: ['a function', ...words], test: (value) => typeof value === 'function' };
}

/** A value that only its own test recognizes. */
export function recognized(words: string, test: (value: unknown) => boolean): ValueRule {
  return { kind: 'value', words: [words], test };
}

/** A whole number of something, at least 1 if not said otherwise, without an upper bound. */
export function count(unit: Unit, min = 1): NumberRule {
  return { kind: 'number', unit, min };
}

/** A whole number that `ws` reads as 32 bits; 0 means no limit. */
export function wsLimit(unit: Unit): NumberRule {
  return { kind: 'number', unit, min: 1, max: MAX_INT32, zero: 'no limit' };
}

/** A whole number between two bounds. */
export function between(min: number, max: number, unit?: Unit): NumberRule {
  return { kind: 'number', unit, min, max };
}

/** A time that a timer waits for; `stretch` is the factor by which the timer may exceed it. */
export function time(min: number, stretch = 1): NumberRule {
  return between(min, Math.floor(MAX_TIMER_MS / stretch), 'milliseconds');
}

/** A time that a timer waits for, or 0 for no limit. */
export function timeOrNone(): NumberRule {
  return { ...time(1), zero: 'no limit' };
}

/** A list of values with one rule. */
export function listOf(words: string, member: OptionRule): ListRule {
  return { kind: 'list', words, member };
}

/** An object with options of its own, nested to any depth. */
export function group(options: OptionTable, required: readonly string[] = []): GroupRule {
  return { kind: 'group', options, required, isOpen: false };
}

/** An object of which only some options are ours. */
export function openGroup(options: OptionTable): GroupRule {
  return { kind: 'group', options, required: [], isOpen: true };
}

/** Any of several forms. */
export function anyOf(...rules: readonly OptionRule[]): AlternativesRule {
  return { kind: 'alternatives', of: rules };
}

/** The same rule for an option that counts beyond one endpoint. */
export function onlyOnModule<Rule extends OptionRule>(rule: Rule): Rule {
  return { ...rule, onlyOnModule: 'counts for all endpoints together' };
}

/** The same rule with a warning about values that are taken. */
export function warning<Rule extends OptionRule>(rule: Rule, warn: (value: unknown) => string | undefined): Rule {
  return { ...rule, warn };
}
