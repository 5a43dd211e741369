import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { isBytes } from './bytes.js';
import { ERROR_EVENT, readOwnEvent } from './envelope.js';
import type { MessageForm, MessageId } from './message-form.js';

/** How an event looks as a JSON object. */
export interface JsonEnvelopeOptions {
  /** Member that names the event. Default `event`. */
  readonly event?: string;
  /** Member that carries the data; `rest`: all members that are left. Default `data`. */
  readonly data?: string;
  /** Member that carries the id. Default `id`. */
  readonly id?: string;
}

/** Marks data that has no member of its own. */
const REST = 'rest';

/** Reads and writes events whose members have other names than Nest's. */
export class JsonEnvelope {
  readonly #event: string;
  readonly #data: string;
  readonly #id: string;

  /** @throws ConfigurationError for a name that is not a text, or that two members share. */
  constructor({ event = 'event', data = 'data', id = 'id', ...others }: JsonEnvelopeOptions) {
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) {
      throw new ConfigurationError(
        `new JsonSerializer: unknown option ${unknown}; there are event, data, id and transform.`,
      );
    }
    const names = [event, data, id];
    for (const name of names as unknown[]) {
      if (typeof name === 'string' && name !== '') continue;
      throw new ConfigurationError('new JsonSerializer({ event, data, id }): each is the name of a member, as a text.');
    }
    if (new Set(names).size < names.length) {
      throw new ConfigurationError(`new JsonSerializer({ event, data, id }): ${names.join(', ')} are not three names.`);
    }
    this.#event = event;
    this.#data = data;
    this.#id = id;
  }

  /** What a message looks like, for errors. */
  get form(): string {
    return `{ ${this.#event}, ${this.#data === REST ? '…' : this.#data} }`;
  }

  /** A message as `{ event, data, id? }`; one that names no event stays as it is. */
  read(message: unknown): unknown {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
    const { [this.#event]: event, [this.#id]: id, ...rest } = message as Record<string, unknown>;
    if (typeof event !== 'string') return message;
    const data = this.#data === REST ? rest : rest[this.#data];
    return id === undefined ? { event, data } : { event, data, id };
  }

  /** @throws TypeError for data that cannot be the rest of an object. */
  write(value: unknown, { kind, event, id }: MessageForm): unknown {
    if (kind === 'error') return this.#wrap(ERROR_EVENT, value, id);
    if (event === undefined) return value;
    const own = kind === 'reply' ? readOwnEvent(value) : undefined;
    if (own === undefined) return this.#wrap(event, value, id);
    const { data, id: ownId } = value as { data: unknown; id?: MessageId };
    return this.#wrap(own, data, ownId ?? id);
  }

  #wrap(event: string, data: unknown, id: MessageId | undefined): object {
    const head = id === undefined ? { [this.#event]: event } : { [this.#event]: event, [this.#id]: id };
    if (this.#data !== REST) return { ...head, [this.#data]: data };
    if (data === undefined || data === null) return head;
    if (typeof data !== 'object' || Array.isArray(data) || isBytes(data)) {
      throw new TypeError(`with data: 'rest' the data of an event is an object, not ${nameOfKind(data)}`);
    }
    return { ...data, ...head };
  }
}

function nameOfKind(data: unknown): string {
  if (Array.isArray(data)) return 'an array';
  return isBytes(data) ? 'bytes' : `a ${typeof data}`;
}
