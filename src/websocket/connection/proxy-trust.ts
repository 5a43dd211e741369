import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';

/**
 * Which proxies are believed: `false` none (default), `true` all, a number of hops, addresses and CIDR ranges
 * (`'loopback'`, `'10.0.0.0/8'`), or a function of address and hop.
 */
export type TrustProxy = boolean | number | string | readonly string[] | ((address: string, hop: number) => boolean);

/** Reads what trusted proxies say about the request; without trust nothing forwarded is believed. */
export class ProxyTrust {
  readonly #trusts: (address: string, hop: number) => boolean;

  /** @throws TypeError for an address or range that does not parse. */
  constructor(option: TrustProxy) {
    if (typeof option === 'function') this.#trusts = option;
    else if (typeof option === 'boolean') this.#trusts = () => option;
    else if (typeof option === 'number') this.#trusts = (_address, hop) => hop < option;
    else this.#trusts = proxyAddr.compile(typeof option === 'string' ? option : [...option]);
  }

  /** The address of the client: the last one that no trusted proxy vouches beyond. */
  ip(request: IncomingMessage): string {
    if (request.socket.remoteAddress === undefined) return '';
    if (request.headers['x-forwarded-for'] === undefined) return request.socket.remoteAddress;
    return proxyAddr(request, this.#trusts);
  }

  /** The `Host` the client asked for: `X-Forwarded-Host` of a trusted proxy, else the header itself. */
  host(request: IncomingMessage): string | undefined {
    return this.#forwarded(request, 'x-forwarded-host') ?? request.headers.host;
  }

  /** Whether the client's side of the connection is encrypted. */
  secure(request: IncomingMessage): boolean {
    const forwarded = this.#forwarded(request, 'x-forwarded-proto');
    if (forwarded !== undefined) return /^(https|wss)$/i.test(forwarded);
    return 'encrypted' in request.socket && request.socket.encrypted === true;
  }

  /** First member of a forwarded list, if the direct peer is trusted. */
  #forwarded(request: IncomingMessage, name: string): string | undefined {
    const value = request.headers[name];
    if (value === undefined || !this.#trusts(request.socket.remoteAddress ?? '', 0)) return undefined;
    const first = String(value).split(',', 1)[0]?.trim();
    return first === '' ? undefined : first;
  }
}
