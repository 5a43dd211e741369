import type { IncomingHttpHeaders } from 'node:http';
import { readAddress } from './ip-address.js';

/** What trusted proxies say about the client's side of a request. */
export interface Forwarded {
  /** `undefined` when they name no client; `''` when they name something else than an address. */
  readonly ip: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly proto: string | undefined;
  /** What they took off the front of the path, without a slash at the end. */
  readonly prefix: string;
}

/** Tells whether a proxy is trusted: its address, and how many proxies are between it and us. */
type Trusts = (address: string, hop: number) => boolean;

const X_FORWARDED = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-prefix',
] as const;

/** Path segments of plain characters; anything else could change the meaning of a URL that has it. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+;=:@-]+)+$/;

/** `parameter=value` of RFC 7239 §4, with what separates it from the next. */
const PAIR = /\s*([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*(?:;|$)/y;

/** Whether proxies, or a client that plays one, said anything. */
export function isForwarded(headers: IncomingHttpHeaders): boolean {
  return headers.forwarded !== undefined || hasXForwarded(headers);
}

/**
 * Reads what proxies say, as far as they are trusted; the direct peer has to be, or there is nothing to read.
 *
 * `X-Forwarded-*` wins: where one of these fields is there, `Forwarded` (RFC 7239) is not looked at. Most proxies write
 * the former and pass the latter on as the client sent it, so a mixture of both would let clients write what the proxy
 * left out.
 *
 * @param trustsAll of every list the first member counts, also where the addresses name fewer proxies.
 */
export function readForwarded(headers: IncomingHttpHeaders, trusts: Trusts, trustsAll: boolean): Forwarded {
  return hasXForwarded(headers)
    ? readXForwarded(headers, trusts, trustsAll)
    : readElements(textOf(headers, 'forwarded') ?? '', trusts);
}

function hasXForwarded(headers: IncomingHttpHeaders): boolean {
  return X_FORWARDED.some((name) => headers[name] !== undefined);
}

function readXForwarded(headers: IncomingHttpHeaders, trusts: Trusts, trustsAll: boolean): Forwarded {
  const { ip, hops } = trustsAll ? firstAddress(headers) : lastAddress(headers, trusts);
  // As many members of the other lists are written by trusted proxies as of the addresses; without addresses one is.
  const reached = Math.max(1, hops);
  const prefixes = lastMembers(textOf(headers, 'x-forwarded-prefix'), reached);
  const [host, port, proto] = (['x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto'] as const).map((name) => {
    const text = textOf(headers, name);
    return trustsAll ? firstMember(text) : lastMembers(text, reached)[0];
  });
  return { ip, host, port, proto, prefix: joinPrefixes(prefixes) };
}

interface Reached {
  readonly ip: string | undefined;
  /** How many members of `X-Forwarded-For` were read, from the end. */
  readonly hops: number;
}

function firstAddress(headers: IncomingHttpHeaders): Reached {
  const member = firstMember(textOf(headers, 'x-forwarded-for'));
  return { ip: member === undefined ? undefined : readAddress(member), hops: Number.POSITIVE_INFINITY };
}

function lastAddress(headers: IncomingHttpHeaders, trusts: Trusts): Reached {
  let ip: string | undefined;
  let hops = 0;
  const addresses = new ListFromEnd(textOf(headers, 'x-forwarded-for'));
  for (let member = addresses.next(); member !== undefined; member = addresses.next()) {
    ip = readAddress(member);
    if (!trusts(ip, ++hops)) break;
  }
  return { ip, hops };
}

/** Elements of RFC 7239; what one of them leaves out the one before it, nearer to us, may have said. */
function readElements(list: string, trusts: Trusts): Forwarded {
  let ip: string | undefined;
  let host: string | undefined;
  let proto: string | undefined;
  let hops = 0;
  const elements = new ListFromEnd(list);
  for (let element = elements.next(); element !== undefined; element = elements.next()) {
    const pairs = readPairs(element);
    host = pairs.get('host') ?? host;
    proto = pairs.get('proto') ?? proto;
    ip = readAddress(pairs.get('for') ?? '');
    if (!trusts(ip, ++hops)) break;
  }
  return { ip, host, port: undefined, proto, prefix: '' };
}

/** The parameters of one element; of one that breaks the grammar, or says something twice, none. */
function readPairs(element: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const [, name = '', quoted, plain = ''] = PAIR.exec(element) ?? [];
    if (name === '' || pairs.has(name.toLowerCase())) return new Map();
    pairs.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1'));
  }
  return pairs;
}

/** Each proxy takes its own prefix off, the one next to the client first. */
function joinPrefixes(prefixes: readonly string[]): string {
  const whole = prefixes.map((prefix) => prefix.replace(/\/$/, '')).join('');
  return PREFIX.test(whole) ? whole : '';
}

/** The last members of a list, in their order: at most `count`. */
function lastMembers(text: string | undefined, count: number): string[] {
  const members: string[] = [];
  const list = new ListFromEnd(text);
  for (let member = list.next(); member !== undefined; member = list.next()) {
    members.push(member);
    if (members.length >= count) break;
  }
  return members.toReversed();
}

function firstMember(text: string | undefined): string | undefined {
  return /[^\s,][^,]*/.exec(text ?? '')?.[0].trimEnd();
}

function textOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/**
 * Reads a comma-separated list from its end, where the nearest proxy writes; empty members are skipped. Who is further
 * away can only write in front of that: neither an endless list of a client nor a quote that it leaves open changes how
 * the end is read, or makes it dear.
 */
class ListFromEnd {
  #end: number;
  readonly #hasQuotes: boolean;

  constructor(private readonly list = '') {
    this.#end = list.length;
    this.#hasQuotes = list.includes('"');
  }

  next(): string | undefined {
    while (this.#end > 0) {
      const comma = this.#hasQuotes ? this.#commaOutsideQuotes() : this.list.lastIndexOf(',', this.#end - 1);
      const member = this.list.slice(comma + 1, this.#end).trim();
      this.#end = comma;
      if (member !== '') return member;
    }
    return undefined;
  }

  #commaOutsideQuotes(): number {
    let quoted = false;
    for (let i = this.#end - 1; i >= 0; i--) {
      const character = this.list[i];
      if (character === '"' && !this.#isEscaped(i)) quoted = !quoted;
      else if (character === ',' && !quoted) return i;
    }
    return -1;
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.list[at - 1 - backslashes] === '\\') backslashes++;
    return backslashes % 2 === 1;
  }
}
