import { formatSetCookie, type CookieOptions } from '../../request/cookies.js';
import type { RequestContext } from '../../request/request-context.js';
import { HandshakeResponse } from '../../endpoint/handshake-hook.js';
import { isFieldValue, isToken } from '../../protocol/header.js';
import { log } from '../../log/log.js';

/** Headers that are the handshake itself; setting them would break it (RFC 6455 §4.2.2). */
const HANDSHAKE_HEADERS = new Set([
  'connection',
  'upgrade',
  'content-length',
  'transfer-encoding',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'sec-websocket-version',
]);

const NO_LINES: readonly string[] = [];
const NO_HEADERS: readonly (readonly [name: string, value: string])[] = [];

/** The 101 in the making. */
export class AcceptResponse extends HandshakeResponse {
  override subprotocol: string | undefined;
  override expiresAt: Date | number | undefined;
  #lines: [name: string, value: string][] | undefined;

  constructor(subprotocol: string | undefined) {
    super();
    this.subprotocol = subprotocol;
  }

  override setHeader(name: string, value: string | number): this {
    const line = checkedLine(name, value);
    this.#lines = this.#lines?.filter(([other]) => other.toLowerCase() !== name.toLowerCase());
    (this.#lines ??= []).push(line);
    return this;
  }

  override appendHeader(name: string, value: string | number): this {
    (this.#lines ??= []).push(checkedLine(name, value));
    return this;
  }

  override setCookie(name: string, value: string, options?: CookieOptions): this {
    return this.appendHeader('Set-Cookie', formatSetCookie(name, value, options));
  }

  /** Keeps the end of a login that another hook has set, unless this one is earlier; one that cannot be read stays, as a fault. */
  expireBy(end: Date | number | undefined): void {
    if (end === undefined) return;
    const own = this.expiresAt === undefined ? Number.POSITIVE_INFINITY : Number(this.expiresAt);
    if (!Number.isNaN(own) && !(own <= Number(end))) this.expiresAt = end;
  }

  /** What was set so far. */
  get headers(): readonly (readonly [name: string, value: string])[] {
    return this.#lines ?? NO_HEADERS;
  }

  /** Extra lines of the 101, ready to be written. */
  get headerLines(): readonly string[] {
    return this.#lines?.map(([name, value]) => `${name}: ${value}`) ?? NO_LINES;
  }

  /** The subprotocol to send, if the client offered it: an answer it did not ask for would fail its side (§4.1). */
  agreedSubprotocol(context: Pick<RequestContext, 'protocols'>): string {
    const { subprotocol } = this;
    if (subprotocol === undefined || subprotocol === '') return '';
    if (context.protocols.includes(subprotocol)) return subprotocol;
    log.error(
      'subprotocol',
      `The subprotocol ${JSON.stringify(subprotocol)} was not offered by the client and is not sent.`,
    );
    return '';
  }
}

function checkedLine(name: string, value: string | number): [string, string] {
  const text = String(value);
  if (!isToken(name)) throw new TypeError(`${JSON.stringify(name)} is not a header name.`);
  if (HANDSHAKE_HEADERS.has(name.toLowerCase())) {
    throw new TypeError(
      `The header ${name} belongs to the handshake itself; for a subprotocol set response.subprotocol.`,
    );
  }
  if (!isFieldValue(text))
    throw new TypeError(`The value of the header ${name} has characters that no header may have.`);
  return [name, text];
}
