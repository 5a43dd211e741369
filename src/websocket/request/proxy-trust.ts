import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';
import { atOnce } from '../async/at-once.js';
import { isForwarded, readForwarded } from './forwarded.js';
import { peerAddress } from './ip-address.js';

/**
 * Which proxies are believed: `false` none (default), `true` all, a number of hops, addresses and CIDR ranges
 * (`'loopback'`, `'10.0.0.0/8'`), or a function of address and hop that answers `true` for one that is. The address is
 * bare and in one spelling; it is `''` for the peer of a UNIX socket and where a proxy wrote something else. The function
 * answers at once: a promise, like a throw, fails what asked for the address, and the handshake with 500.
 */
export type TrustProxy = boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

/** The request as the client sent it, before proxies passed it on. */
export interface ClientSide {
  /** Address of the client; `''` where it is not known. */
  readonly ip: string;
  /** Host that the client asked for, with the port unless it is the usual one. */
  readonly host: string | undefined;
  /** Whether the client's side of the connection is encrypted. */
  readonly secure: boolean;
  /** What proxies took off the front of the path, without a slash at the end. */
  readonly prefix: string;
}

/** Reads what trusted proxies say about the request; without trust nothing forwarded is believed. */
export class ProxyTrust {
  readonly #trusts: (address: string, hop: number) => boolean;
  readonly #trustsAll: boolean;
  readonly #trustsNone: boolean;

  /** @throws TypeError for an address or range that does not parse. */
  constructor(option: TrustProxy) {
    this.#trustsAll = option === true;
    this.#trustsNone = option === false;
    if (typeof option === 'function')
      this.#trusts = (address, hop) => isYes(atOnce(option(address, hop), 'trustProxy'));
    else if (typeof option === 'boolean') this.#trusts = () => option;
    else if (typeof option === 'number') this.#trusts = (_address, hop) => hop < option;
    else this.#trusts = proxyAddr.compile(typeof option === 'string' ? option : [...option]);
  }

  /** Every client can write its own address, because every peer is believed. */
  get trustsAll(): boolean {
    return this.#trustsAll;
  }

  /** Takes off what proxies did to the request: of each list the member counts that trust reaches from the end. */
  read({ headers, socket }: IncomingMessage): ClientSide {
    const peer = peerAddress(socket.remoteAddress);
    const encrypted = 'encrypted' in socket && socket.encrypted === true;
    if (this.#trustsNone || !isForwarded(headers) || !this.#trusts(peer, 0)) {
      return { ip: peer, host: headers.host, secure: encrypted, prefix: '' };
    }
    const {
      ip = peer,
      host = headers.host,
      port,
      proto,
      prefix,
    } = readForwarded(headers, this.#trusts, this.#trustsAll);
    const secure = proto === undefined ? encrypted : /^(?:https|wss)$/i.test(proto);
    return { ip, host: withPort(host, port), secure, prefix };
  }
}

/** Only `true` counts: a forgotten `return` must not make a proxy trusted. */
function isYes(answer: unknown): boolean {
  return answer === true;
}

/**
 * Adds the port of `X-Forwarded-Port` to a host that has none. Not 80 and 443: they are the usual port of their scheme,
 * or a proxy behind the one that ends TLS speaks of itself.
 */
function withPort(host: string | undefined, port: string | undefined): string | undefined {
  if (host === undefined || port === undefined || port === '80' || port === '443') return host;
  return /^\d{1,5}$/.test(port) && /^(?:\[[^\]]*\]|[^:]+)$/.test(host) ? `${host}:${port}` : host;
}
