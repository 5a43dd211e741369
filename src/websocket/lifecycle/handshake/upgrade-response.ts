import type { AsyncResource } from 'node:async_hooks';
import { ServerResponse, STATUS_CODES, type IncomingMessage } from 'node:http';
import { isFieldValue } from '../../protocol/header.js';
import type { HttpReply } from '../../errors/http-reply.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import { log } from '../../log/log.js';

/**
 * The HTTP response that guards, filters and middleware see during a handshake. It has no socket: what is written to it
 * is kept, and becomes the answer of a refusal; headers that were set become headers of the 101. It understands the
 * words of Express (`status`, `json`, `send`, `sendStatus`, `redirect`, `set`, `append`, `type`, `locals`) and of Fastify
 * (`code`, `header`, `headers`, `send`, `redirect`), so code written for either works unchanged.
 */
export class UpgradeResponse extends ServerResponse {
  /** Where middleware of Express leaves values for each other. */
  readonly locals: Record<string, unknown> = {};
  /** The async context in which middleware went on; what follows runs in it. */
  scope: AsyncResource | undefined;
  readonly #body: Buffer[] = [];
  #headWritten = false;
  #ended = false;

  constructor(request: IncomingMessage) {
    super(request);
    // Node derives it from a head that this response never builds.
    Object.defineProperty(this, 'writableEnded', { get: () => this.#ended });
    Object.defineProperty(this, 'headersSent', { get: () => this.writableEnded });
  }

  /** Fastify's name for the underlying response. */
  get raw(): this {
    return this;
  }

  /** Fastify's name for a response that was sent. */
  get sent(): boolean {
    return this.writableEnded;
  }

  /** What was written as a reply, once it is complete. */
  get reply(): HttpReply | undefined {
    if (!this.writableEnded) return undefined;
    const headers: Record<string, string | number | string[]> = {};
    for (const [name, value] of Object.entries(this.getHeaders())) if (value !== undefined) headers[name] = value;
    return { status: this.statusCode, headers, body: this.#body.length === 0 ? undefined : Buffer.concat(this.#body) };
  }

  /** Headers that were set, as lines for the 101; framing headers of an HTTP body have no place there. */
  get headerLines(): string[] {
    return this.#headersWithout(/^(content-|transfer-|connection$|upgrade$|sec-websocket-)/).map(
      ([name, value]) => `${name}: ${value}`,
    );
  }

  /** Headers that were set, for the answer of a refusal, which has a body of its own. */
  get headersOfRefusal(): readonly (readonly [name: string, value: string])[] {
    return this.#headersWithout(
      /^(content-(type|length|encoding|range)|transfer-encoding|connection|keep-alive|trailer|upgrade|sec-websocket-.*)$/,
    );
  }

  #headersWithout(left: RegExp): (readonly [name: string, value: string])[] {
    const headers: (readonly [string, string])[] = [];
    for (const [name, value] of Object.entries(this.getHeaders())) {
      if (value === undefined || left.test(name)) continue;
      for (const line of Array.isArray(value) ? value : [String(value)]) {
        if (isFieldValue(line)) headers.push([name, line]);
      }
    }
    return headers;
  }

  override writeHead(status: number, ...rest: unknown[]): this {
    this.#headWritten = true;
    this.statusCode = status;
    const headers = rest.find((argument) => typeof argument === 'object' && argument !== null);
    if (Array.isArray(headers)) this.#setList(headers.flat() as string[]);
    else if (headers !== undefined) this.headers(headers as Record<string, string>);
    return this;
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    if (!this.writableEnded) this.#body.push(toBuffer(chunk));
    callLast(rest);
    return true;
  }

  override end(...args: unknown[]): this {
    if (this.writableEnded) return this;
    // Middleware that waits for the head replaces this method. Node calls it when the application did not.
    if (!this.#headWritten) watchLate(this.writeHead(this.statusCode));
    const [chunk] = args;
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.#body.push(toBuffer(chunk));
    this.#ended = true;
    // Access logs ask for it, deprecated or not.
    Object.assign(this, { finished: true });
    callLast(args);
    this.#tell('finish');
    return this;
  }

  /** The client left before there was an answer. */
  leave(): void {
    if (!this.#ended) this.#tell('close');
  }

  /** Calls the listeners one by one: one that throws must neither keep the others from hearing nor fail the handshake. */
  #tell(event: 'finish' | 'close'): void {
    for (const listener of this.rawListeners(event)) {
      const fail = (error: unknown): void =>
        log.error(`${event} of a response`, `A listener for '${event}' of the response of a handshake failed.`, error);
      try {
        const result: unknown = Reflect.apply(listener, this, []);
        if (isPromiseLike(result)) new Promise((resolve) => resolve(result)).catch(fail);
      } catch (error) {
        fail(error);
      }
    }
  }

  override flushHeaders(): void {}

  status(code: number): this {
    this.statusCode = code;
    return this;
  }

  code(code: number): this {
    return this.status(code);
  }

  header(name: string, value: string | number | readonly string[]): this {
    this.setHeader(name, value);
    return this;
  }

  set(name: string | Record<string, string>, value?: string): this {
    return typeof name === 'string' ? this.header(name, value ?? '') : this.headers(name);
  }

  headers(headers: Readonly<Record<string, string | number | readonly string[]>>): this {
    for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
    return this;
  }

  append(name: string, value: string | readonly string[]): this {
    return this.appendHeader(name, value);
  }

  get(name: string): ReturnType<ServerResponse['getHeader']> {
    return this.getHeader(name);
  }

  type(type: string): this {
    return this.header('Content-Type', type.includes('/') ? type : `text/${type}`);
  }

  json(body: unknown): this {
    if (!this.hasHeader('content-type')) this.type('application/json; charset=utf-8');
    return this.end(JSON.stringify(body));
  }

  send(body?: unknown): this {
    if (body === undefined || body === null) return this.end();
    if (typeof body === 'string') {
      if (!this.hasHeader('content-type')) this.type('text/html; charset=utf-8');
      return this.end(body);
    }
    return body instanceof Uint8Array ? this.end(body) : this.json(body);
  }

  sendStatus(code: number): this {
    return this.status(code)
      .type('text/plain; charset=utf-8')
      .send(STATUS_CODES[code] ?? String(code));
  }

  /** Express gives the status first, Fastify the place. */
  redirect(...target: readonly (string | number)[]): this {
    const status = target.find((part) => typeof part === 'number') ?? 302;
    return this.status(status)
      .header('Location', target.find((part) => typeof part === 'string') ?? '/')
      .end();
  }

  /** Names and values in turn, the form of `rawHeaders`. */
  #setList(list: readonly string[]): void {
    const fields = list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1] ?? ''] as const] : []));
    for (const [name] of fields) this.removeHeader(name);
    for (const [name, value] of fields) this.appendHeader(name, value);
  }
}

/** For a method that middleware may have replaced by one that answers later: its rejection is logged and ends nothing. */
export function watchLate(result: unknown): void {
  if (!isPromiseLike(result)) return;
  new Promise((resolve) => resolve(result)).catch((error: unknown) =>
    log.error('middleware', 'What middleware put in the place of the head or the end of a response failed.', error),
  );
}

function toBuffer(chunk: unknown): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array);
}

function callLast(args: readonly unknown[]): void {
  const last = args.at(-1);
  if (typeof last === 'function') queueMicrotask(() => (last as () => void)());
}
