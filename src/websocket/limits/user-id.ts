import { atOnce } from '../async/at-once.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import type { RequestContext } from '../request/request-context.js';

/**
 * Tells users apart. Ids are compared as text, so `1`, `1n` and `'1'` are one user, and so are two objects that write
 * themselves as the same text, such as an ObjectId. `null` and `undefined` stand for a client that is not a user.
 */
export type UserId = (context: RequestContext) => string | number | bigint | object | null | undefined;

/**
 * The id of the user of a request as text; `undefined` for a client that is not a user.
 * @throws ConfigurationError for an id that cannot be compared; the message names `option`, which needs it, and `userId`.
 */
export function userIdOf(context: RequestContext, userId: UserId | undefined, option: string): string | undefined {
  const given = userId === undefined ? ownIdOf(context.user) : atOnce(userId(context), 'userId');
  if (given === null || given === undefined) return undefined;
  const text = textOfUserId(given);
  if (text !== undefined) return text;
  throw new ConfigurationError(
    `${option} cannot tell users apart: ${userId === undefined ? 'context.user' : 'userId'} gives ${describe(given)}. ` +
      'An id is a string, a number, a bigint or an object that writes itself as text, such as an ObjectId: ' +
      'set userId: (context) => … in PlackWebSocketModule.forRoot, or put id, sub or _id on the user.',
  );
}

/** Stands for a user that is an object without any of the names that ids have. */
const NO_ID = Symbol('no id');

/** `user.id`, `user.sub`, `user._id`, or the user itself where it is an id. */
function ownIdOf(user: unknown): unknown {
  if (typeof user !== 'object' || user === null || isObjectId(user)) return user;
  const { id, sub, _id } = user as { id?: unknown; sub?: unknown; _id?: unknown };
  return id ?? sub ?? _id ?? NO_ID;
}

/** The text that stands for an id; `undefined` where two different users could have the same. */
export function textOfUserId(id: unknown): string | undefined {
  switch (typeof id) {
    case 'string':
      return id;
    case 'bigint':
      return String(id);
    case 'number':
      return Number.isFinite(id) ? String(id) : undefined;
    case 'object':
      return id === null ? undefined : textOfObject(id);
    default:
      return undefined;
  }
}

/** What objects write that were not made to write anything: the same for many of them. */
const GENERAL_TEXTS: ReadonlySet<unknown> = new Set(
  [Object, Array, Date, Error, RegExp].map(({ prototype }) => Reflect.get(prototype, 'toString') as unknown),
);

function textOfObject(id: object): string | undefined {
  if (id instanceof Uint8Array) return Buffer.from(id).toString('hex');
  const write: unknown = Reflect.get(id, isObjectId(id) ? 'toHexString' : 'toString');
  if (typeof write !== 'function' || GENERAL_TEXTS.has(write)) return undefined;
  const text: unknown = Reflect.apply(write, id, []);
  return typeof text === 'string' ? text : undefined;
}

/** Ids of MongoDB, which have an `id` of their own. */
function isObjectId(value: object): value is { toHexString(): unknown } {
  return 'toHexString' in value && typeof value.toHexString === 'function';
}

/** The kind of value, not the value: it may be a secret. */
function describe(id: unknown): string {
  if (id === NO_ID) return 'an object without id, sub and _id';
  if (typeof id === 'number') return `the number ${id}`;
  if (Array.isArray(id)) return 'a list';
  return typeof id === 'object' ? 'an object that writes no text' : `a ${typeof id}`;
}
