/*
 * The form of messages on event endpoints and of stock gateways: Nest's `{ event, data }`, with an `id` where the peer wants
 * to tell replies apart. This file alone knows the names of the members. A message is read by one function for each member,
 * because the way of a message makes no object that it can do without.
 */
import type { MessageForm, MessageId } from './message-form.js';

/** The longest text that is an identifier, in UTF-16 units: it is kept while its message is handled, and sent back. */
const MAX_ID_LENGTH = 128;

/** The event under which a peer is told about an error. */
export const ERROR_EVENT = 'error';

/** What a message must look like, for errors. */
export const ENVELOPE = '{ event, data }';

/** The event that a message names; `undefined` when it names none, or names it by something else than a text. */
export function readEvent(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { event } = message as { event?: unknown };
  return typeof event === 'string' ? event : undefined;
}

/** What a message with an event carries. */
export function readData(message: unknown): unknown {
  return (message as { data?: unknown }).data;
}

/** The `id` of a message; `undefined` unless it is a finite number or a text of at most 128 characters. */
export function readId(message: unknown): MessageId | undefined {
  if (typeof message !== 'object' || message === null || !('id' in message)) return undefined;
  const { id } = message;
  if (typeof id === 'string') return id.length <= MAX_ID_LENGTH ? id : undefined;
  return Number.isFinite(id) ? (id as number) : undefined;
}

/** Tells whether a message was meant as an event, also when its name is not a text. */
export function isMeantAsEvent(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'event' in message;
}

/** The form of a value that the application sends by itself. */
export const PLAIN_PUSH: MessageForm = { kind: 'push', event: undefined, id: undefined };

/** The form of what `send` was called with: a text and a second argument are an event and its data. */
export function pushForm(value: unknown, rest: readonly unknown[]): MessageForm {
  return rest.length > 0 && typeof value === 'string' ? { kind: 'push', event: value, id: undefined } : PLAIN_PUSH;
}

/** A value in the envelope of events, where its form asks for one: what `encode(value)` gets. Bytes stay bytes. */
export function wrap(value: unknown, { kind, event, id }: MessageForm): unknown {
  if (kind === 'error') return { event: ERROR_EVENT, ...withId(id), data: value };
  if (event === undefined) return value;
  if (kind === 'push') return { event, data: value };
  // A value that already is an event (Nest's `WsResponse`) keeps its name.
  if (readOwnEvent(value) !== undefined)
    return id === undefined || 'id' in (value as object) ? value : { ...(value as object), id };
  return id === undefined ? { event, data: value } : { event, data: value, id };
}

/** The event that a reply names by itself, as Nest's `WsResponse` does. */
export function readOwnEvent(value: unknown): string | undefined {
  const event = readEvent(value);
  return event !== undefined && 'data' in (value as object) ? event : undefined;
}

function withId(id: MessageId | undefined): { id?: MessageId } {
  return id === undefined ? {} : { id };
}
