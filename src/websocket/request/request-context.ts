import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ApplicationUser } from './application-types.js';
import { parseCookie } from './cookies.js';
import { keep, kept, type Kept } from './kept.js';
import { splitTokenList } from '../protocol/header.js';
import type { ClientSide, ProxyTrust } from './proxy-trust.js';
import { makeSmall } from './small-request.js';
import { shareClass } from '../copies/shared-class.js';

/** What earlier parts of the application put on the request; passport and guards write `user`, sessions `session`. */
type AnnotatedRequest = IncomingMessage & { user?: unknown; session?: unknown };

/** The connection that a user belongs to: it decides whether another one may take the place. */
interface UserOwner {
  changeUser(user: unknown): void;
}

/** Values of the query string; a name that comes more than once has a list. */
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
export class RequestContext<TUser = ApplicationUser> {
  #query: Kept<QueryValues>;
  #cookies: Kept<Readonly<Record<string, string | undefined>>>;
  #protocols: Kept<readonly string[]>;
  #clientSide: ClientSide | undefined;
  readonly #proxies: ProxyTrust;
  #protocol = '';
  #results: readonly unknown[] = NO_RESULTS;
  #abort: AbortController | undefined;
  /** Why it is over, once it is. */
  #over: object | string | undefined;
  /** The user, once code written for controllers has seen the request. */
  #user: unknown;
  #isUserHere = false;
  #owner: UserOwner | undefined;

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

  /**
   * Request target as sent, query included. Of an absolute target (RFC 9112 §3.2.2), which has to name what `Host` names, it is the
   * part from the path on, as everywhere on `raw`.
   */
  get url(): string {
    return this.raw.url ?? '/';
  }

  /** Query string, decoded. The object has no prototype, so any name is safe to look up. */
  get query(): QueryValues {
    const known = kept(this.#query);
    if (known !== undefined) return known;
    const query = parseQuery(this.url);
    this.#query = keep(query, Object.keys(query).length);
    return query;
  }

  /** Header fields as Node gives them: lower-case names. */
  get headers(): IncomingHttpHeaders {
    return this.raw.headers;
  }

  /** Cookies of the request, URL-decoded. The object has no prototype. */
  get cookies(): Readonly<Record<string, string | undefined>> {
    const known = kept(this.#cookies);
    if (known !== undefined) return known;
    const cookies = parseCookie(this.raw.headers.cookie);
    this.#cookies = keep(cookies, Object.keys(cookies).length);
    return cookies;
  }

  /** Host the client asked for, with the port if there was one. Follows `trustProxy`. */
  get host(): string | undefined {
    return this.clientSide.host;
  }

  /** The `Origin` header; browsers always send one with an upgrade (RFC 6455 §4.1). */
  get origin(): string | undefined {
    return this.raw.headers.origin;
  }

  /**
   * Address of the client, bare and in one spelling: without port and brackets, IPv6 in lower case and shortened, an IPv4
   * address also where the socket calls it `::ffff:192.0.2.1`. `''` where none is known: the peer of a UNIX socket, and
   * text of a trusted proxy that is not an address. Follows `trustProxy`.
   */
  get ip(): string {
    return this.clientSide.ip;
  }

  /** Whether the client's side is encrypted (wss). Follows `trustProxy`. */
  get secure(): boolean {
    return this.clientSide.secure;
  }

  /**
   * Subprotocol in use, empty when none was agreed on (RFC 6455 §1.9). For `login` and the handshake hook it is the one that
   * will be agreed on unless the hook sets another.
   */
  get protocol(): string {
    return this.#protocol;
  }

  /** Subprotocols the client offered, in its order. */
  get protocols(): readonly string[] {
    const known = kept(this.#protocols);
    if (known !== undefined) return known;
    const protocols = splitTokenList(this.raw.headers['sec-websocket-protocol']);
    this.#protocols = keep(protocols, protocols.length);
    return protocols;
  }

  /** What guards, passport or the handshake hook put on the request as `user`. On a connection it is `connection.user`. */
  get user(): TUser {
    return (this.#isUserHere ? this.#user : (this.raw as AnnotatedRequest).user) as TUser;
  }

  set user(user: TUser) {
    if (this.#owner === undefined) this.writeUser(user);
    else this.#owner.changeUser(user);
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
   * Aborts when the client leaves, when the handshake ends without a 101, such as with 408 after `handshakeTimeoutMs`, or,
   * after the 101, when the connection is over. Hand it to queries of `login`, hooks and guards: what runs on for a client
   * that has left keeps its place in `limits.maxPendingHandshakes`. Made when it is first read. Its reason is an
   * `AbortError`, after the 101 a {@link FinishInfo}. A throw in a listener is an uncaught exception, as at any AbortSignal.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      // Handlers of all requests may listen; Node would take eleven for a leak.
      setMaxListeners(0, this.#abort.signal);
      if (this.#over !== undefined) this.#abort.abort(toReason(this.#over));
    }
    return this.#abort.signal;
  }

  /** @internal The handshake failed or the connection is over; a text becomes an `AbortError`. */
  end(why: object | string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#abort?.abort(toReason(why));
  }

  /** @internal What has not begun must not begin. @throws when the handshake is over. */
  insistOnClient(): void {
    if (typeof this.#over === 'string') throw abortError(this.#over);
  }

  /** @internal The request before proxies passed it on; read when first asked for. */
  get clientSide(): ClientSide {
    return (this.#clientSide ??= this.#proxies.read(this.raw));
  }

  /**
   * Prepares for a long life. The address of the peer is made known for good: a socket that is closed can only tell it if
   * it was asked before. That costs a twentieth of a handshake and must not be put off, because a handler may meet a socket
   * that was cut a moment ago, and an empty address would slip through limits and bans by address. A request that would
   * hold many times its own bytes is made small.
   *
   * @internal
   */
  settle(): void {
    void this.raw.socket.remoteAddress;
    makeSmall(this.raw);
  }

  /** @internal What is going to be agreed on. */
  proposeProtocol(protocol: string): void {
    this.#protocol = protocol;
  }

  /** @internal Who decides about changes of the user from now on. */
  set owner(owner: UserOwner) {
    this.#owner = owner;
  }

  /** @internal */
  writeUser(user: unknown): void {
    if (this.#isUserHere) this.#user = user;
    else (this.raw as AnnotatedRequest).user = user;
  }

  /** @internal What is written to the request as `user` comes here from now on. */
  takeUser(accessor: PropertyDescriptor): void {
    this.#user = (this.raw as AnnotatedRequest).user;
    this.#isUserHere = true;
    Object.defineProperty(this.raw, 'user', accessor);
  }

  /** @internal The handshake is over: what it decided stays with the context. */
  settleHandshake(protocol: string, results: readonly unknown[]): void {
    this.#protocol = protocol;
    this.#results = results;
  }
}

shareClass(RequestContext, 'RequestContext');

const NO_RESULTS: readonly unknown[] = Object.freeze([]);

function toReason(why: object | string): object {
  return typeof why === 'string' ? abortError(why) : why;
}

function abortError(message: string): Error {
  return new DOMException(message, 'AbortError');
}

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
