import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parseCookie } from './cookies.js';
import { splitTokenList } from '../protocol/header.js';
import type { ProxyTrust } from './proxy-trust.js';

/** What earlier parts of the application put on the request; passport and guards write `user`, sessions `session`. */
type AnnotatedRequest = IncomingMessage & { user?: unknown; session?: unknown };

/** Values of the query string; a name that stands more than once has a list. */
export type QueryValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The upgrade request as the application sees it, for the life of the connection: what the PSGI environment was.
 * Everything derived is computed when it is first read.
 *
 * @example
 * ```ts
 * login: ({ cookies, ip }: RequestContext) => sessions.isOpen(cookies['session'], ip),
 * ```
 */
export class RequestContext<TUser = unknown> {
  #query: QueryValues | undefined;
  #cookies: Readonly<Record<string, string | undefined>> | undefined;
  readonly #proxies: ProxyTrust;
  #protocol = '';
  #results: readonly unknown[] = NO_RESULTS;

  /** @internal */
  constructor(
    /** The upgrade request itself. */
    readonly raw: IncomingMessage,
    /** Path of the request target without the query, percent-encoding as sent. */
    readonly path: string,
    /** Parameters of the endpoint's path pattern, percent-decoded once. */
    readonly params: Readonly<Record<string, string | readonly string[] | undefined>>,
    proxies: ProxyTrust,
  ) {
    this.#proxies = proxies;
  }

  /** Request target as sent, query included. */
  get url(): string {
    return this.raw.url ?? '/';
  }

  /** Query string, decoded. The object has no prototype, so any name is safe to look up. */
  get query(): QueryValues {
    return (this.#query ??= parseQuery(this.url));
  }

  /** Header fields as Node gives them: lower-case names. */
  get headers(): IncomingHttpHeaders {
    return this.raw.headers;
  }

  /** Cookies of the request, URL-decoded. The object has no prototype. */
  get cookies(): Readonly<Record<string, string | undefined>> {
    return (this.#cookies ??= parseCookie(this.raw.headers.cookie));
  }

  /** Host the client asked for, with the port if there was one. Follows `trustProxy`. */
  get host(): string | undefined {
    return this.#proxies.host(this.raw);
  }

  /** The `Origin` header; browsers always send one with an upgrade (RFC 6455 §4.1). */
  get origin(): string | undefined {
    return this.raw.headers.origin;
  }

  /** Address of the client. Follows `trustProxy`. */
  get ip(): string {
    return this.#proxies.ip(this.raw);
  }

  /** Whether the client's side is encrypted (wss). Follows `trustProxy`. */
  get secure(): boolean {
    return this.#proxies.secure(this.raw);
  }

  /** Subprotocol in use, empty when none was agreed on (RFC 6455 §1.9). */
  get protocol(): string {
    return this.#protocol;
  }

  /** Subprotocols the client offered, in its order. */
  get protocols(): readonly string[] {
    return splitTokenList(this.raw.headers['sec-websocket-protocol']);
  }

  /** What guards, passport or the handshake hook put on the request as `user`. */
  get user(): TUser {
    return (this.raw as AnnotatedRequest).user as TUser;
  }

  set user(user: TUser) {
    (this.raw as AnnotatedRequest).user = user;
  }

  /**
   * When the login ends, as a `Date` or in milliseconds since the epoch; guards may set it here during the handshake, as
   * the hook does on its response. Later `connection.reauthenticate` counts.
   */
  expiresAt: Date | number | undefined;

  /** What session middleware put on the request as `session`. */
  get session(): unknown {
    return (this.raw as AnnotatedRequest).session;
  }

  /** Extra results of the handshake hook, in order; empty when it gave none. */
  get results(): readonly unknown[] {
    return this.#results;
  }

  /**
   * Makes the address of the peer known for good: a socket that is closed can only tell it if it was asked before. It costs
   * a twentieth of a handshake and must not be put off: a handler may meet a socket that was cut a moment ago, and an
   * empty address would slip through whatever counts or bans by it.
   *
   * @internal
   */
  keepPeer(): void {
    void this.raw.socket.remoteAddress;
  }

  /** @internal The handshake is over: what it decided stays with the context. */
  settleHandshake(protocol: string, results: readonly unknown[]): void {
    this.#protocol = protocol;
    this.#results = results;
  }
}

const NO_RESULTS: readonly unknown[] = Object.freeze([]);

function parseQuery(url: string): QueryValues {
  const values: Record<string, string | string[] | undefined> = Object.create(null) as Record<string, string>;
  const start = url.indexOf('?');
  if (start === -1) return values;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const known = values[name];
    if (known === undefined) values[name] = value;
    else if (typeof known === 'string') values[name] = [known, value];
    else known.push(value);
  }
  return values;
}
