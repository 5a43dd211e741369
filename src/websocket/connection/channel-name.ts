import { isConnectionId } from '../backplane/node-id.js';

/** The channel every connection is in; it cannot be joined or left. */
export const EVERYBODY = '*';

/** One channel, or any iterable of channels, such as an array or a `Set`. It is read once, when it is given. */
export type ChannelNames = string | Iterable<string>;

/**
 * Puts names and lists of names into one list.
 * @throws TypeError for anything else; `verb` names the method that was called.
 */
export function readNames(given: readonly ChannelNames[], verb: string): readonly string[] {
  if (given.every(isText)) return given;
  const names: string[] = [];
  for (const one of given) {
    if (isText(one)) names.push(one);
    else if (isIterable(one)) for (const name of one) names.push(isText(name) ? name : refuse(name, verb));
    else refuse(one, verb);
  }
  return names;
}

/**
 * The names of channels that a connection can join.
 * @throws TypeError for the first that it cannot join.
 */
export function readChannels(given: readonly ChannelNames[], verb: string): readonly string[] {
  const names = readNames(given, verb);
  for (const name of names) assertChannelName(name);
  return names;
}

function assertChannelName(name: string): void {
  if (name === '') throw new TypeError('A channel is a non-empty string.');
  if (name === EVERYBODY) throw new TypeError("Every connection is in '*'; it cannot be joined or left.");
  if (isConnectionId(name)) {
    throw new TypeError(`${show(name)} has the form of a connection's id. Put a prefix before it, such as 'room:'.`);
  }
  if (LONE_SURROGATE.test(name)) {
    throw new TypeError(`${show(name)} is not well-formed Unicode, so in UTF-8 it is equal to other names.`);
  }
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function refuse(given: unknown, verb: string): never {
  throw new TypeError(`${verb} takes names of channels as strings, or lists of them, not ${kindOf(given)}.`);
}

/** What was given in place of a name, for an error; not the value, which may be anything. */
export function kindOf(given: unknown): string {
  if (given === undefined || given === null) return String(given);
  if (typeof given !== 'object') return `a ${typeof given}`;
  return Array.isArray(given) ? 'a list in a list' : 'an object';
}

export function isText(given: unknown): given is string {
  return typeof given === 'string';
}

export function isIterable(given: unknown): given is Iterable<unknown> {
  return typeof given === 'object' && given !== null && Symbol.iterator in given;
}

function show(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}
