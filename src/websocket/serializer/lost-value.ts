import { isPromiseLike } from '../async/maybe-promise.js';

/** Most values that are looked at; what is behind them is not searched. */
const MAX_VALUES = 1_000;

/** The kinds of objects that JSON writes as if nothing was in them. */
const EMPTIED: readonly (readonly [kind: abstract new (...args: never[]) => object, name: string])[] = [
  [Map, 'a Map'],
  [Set, 'a Set'],
  [Error, 'an Error'],
  [RegExp, 'a RegExp'],
  [WeakMap, 'a WeakMap'],
  [WeakSet, 'a WeakSet'],
  [ArrayBuffer, 'an ArrayBuffer'],
];

/**
 * Finds the first part of a value that JSON drops or empties without an error, and says what, where and how it would leave.
 * @throws what a getter of the value throws.
 */
export function findLost(value: unknown): string | undefined {
  let left = MAX_VALUES;
  const look = (part: unknown, path: string, holder: object | undefined): string | undefined => {
    if (left-- <= 0) return undefined;
    const told = explain(part, Array.isArray(holder));
    if (told !== undefined) return told.replace('@', path === '' ? '' : ` at ${path}`);
    if (typeof part !== 'object' || part === null || 'toJSON' in part) return undefined;
    for (const key of Object.keys(part)) {
      const found = look((part as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`, part);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(value, '', undefined);
}

function explain(part: unknown, isInArray: boolean): string | undefined {
  switch (typeof part) {
    case 'number':
      return Number.isFinite(part) ? undefined : `${part}@, which leaves as null`;
    case 'function':
    case 'symbol':
      return `a ${typeof part}@, which ${isInArray ? 'leaves as null' : 'is left out'}`;
    case 'object':
      return part === null ? undefined : explainObject(part);
    default:
      return undefined;
  }
}

function explainObject(part: object): string | undefined {
  if (part instanceof Date) return Number.isNaN(part.getTime()) ? 'an invalid Date@, which leaves as null' : undefined;
  if ('toJSON' in part) return undefined;
  if (ArrayBuffer.isView(part)) return 'bytes@, which leave as an object of numbers';
  if (isPromiseLike(part)) return 'a promise@, which leaves as {}';
  const emptied = EMPTIED.find(([kind]) => part instanceof kind);
  return emptied && `${emptied[1]}@, which leaves as {}`;
}
