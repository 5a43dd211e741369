import { normalizeOrigin } from './origin-text.js';
import type { ClientSide } from './proxy-trust.js';

/** A host of the option `hosts`. */
interface HostRule {
  readonly hostname: string;
  /** `undefined` for any port. */
  readonly port: string | undefined;
  /** The names below `hostname` are meant, and not itself. */
  readonly isParent: boolean;
}

/** The names under which clients reach the application, and so what may be believed of the `Host` of a request. */
export class PublicNames {
  readonly #rules: readonly HostRule[] | undefined;
  readonly #publicUrl: URL | undefined;

  /** Takes values that `isHost` and `isPublicUrl` know; others say nothing. */
  constructor(
    /** Names of hosts, with or without a port; `*.` in front means the names below. */
    readonly hosts?: readonly string[],
    publicUrl?: string,
  ) {
    this.#rules = hosts?.map(readRule).filter((rule) => rule !== undefined);
    this.#publicUrl = publicUrl === undefined ? undefined : readPublicUrl(publicUrl);
  }

  /** Whether `Host` says under which name the application is reached: where hosts are named, or nothing better is known. */
  get believesHost(): boolean {
    return this.#rules !== undefined || this.#publicUrl === undefined;
  }

  /** What comes in front of the paths of endpoints in their URLs, where it was told. */
  get publicBase(): string | undefined {
    const url = this.#publicUrl;
    return url && `${url.protocol.replace('http', 'ws')}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
  }

  /** Tells whether a client asked for one of the hosts; where none are named, every host is one. */
  has({ host, secure }: ClientSide): boolean {
    if (this.#rules === undefined) return true;
    const asked = host === undefined ? undefined : splitHost(host);
    if (asked === undefined) return false;
    const port = asked.port ?? (secure ? '443' : '80');
    return this.#rules.some(
      (rule) =>
        (rule.port ?? port) === port &&
        (rule.isParent ? asked.hostname.endsWith(`.${rule.hostname}`) : asked.hostname === rule.hostname),
    );
  }

  /** Tells whether there may be a host that both name. */
  overlaps(other: PublicNames): boolean {
    return (this.#rules ?? []).some((one) => (other.#rules ?? []).some((rule) => doOverlap(one, rule)));
  }

  /** The origins of pages that are the application's own for this client. */
  ownOrigins({ host, secure }: ClientSide): readonly string[] {
    const asked = this.believesHost && host !== undefined ? `${secure ? 'https' : 'http'}://${host}` : undefined;
    return [this.#publicUrl?.origin, asked && normalizeOrigin(asked)].filter((origin) => origin !== undefined);
  }
}

function doOverlap(one: HostRule, other: HostRule): boolean {
  if (one.port !== undefined && other.port !== undefined && one.port !== other.port) return false;
  if (one.hostname === other.hostname) return one.isParent === other.isParent;
  const isBelow = (name: HostRule, parent: HostRule): boolean =>
    parent.isParent && name.hostname.endsWith(`.${parent.hostname}`);
  return isBelow(one, other) || isBelow(other, one);
}

/** Tells whether a value is a name or an address, perhaps with a port behind it and `*.` in front of it. */
export function isHost(value: unknown): boolean {
  return typeof value === 'string' && readRule(value) !== undefined;
}

/** Tells whether a value is a URL of scheme, host and path, and of nothing else. */
export function isPublicUrl(value: unknown): boolean {
  return typeof value === 'string' && readPublicUrl(value) !== undefined;
}

function readRule(entry: string): HostRule | undefined {
  const isParent = entry.startsWith('*.');
  const host = splitHost(isParent ? entry.slice(2) : entry);
  return host === undefined ? undefined : { ...host, isParent };
}

function readPublicUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (normalizeOrigin(`${url.protocol}//${url.host}`) === undefined) return undefined;
  if (`${url.protocol}//${url.host}${url.pathname}` !== url.href) return undefined;
  // The origin of a page never has a scheme of WebSockets.
  url.protocol = url.protocol.replace('ws', 'http');
  return url;
}

/** Host and port as a URL parser spells them; `undefined` for what is more than that, or less. */
function splitHost(text: string): { readonly hostname: string; readonly port: string | undefined } | undefined {
  const [, name = '', port] = /^(\[[^\]]*\]|[^:*]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const origin = name === '' ? undefined : normalizeOrigin(`http://${name}`);
  return origin === undefined ? undefined : { hostname: new URL(origin).hostname, port };
}
