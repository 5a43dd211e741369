import { IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Type } from '@nestjs/common';
import type { UrlRequest } from '../../registry/endpoint-url.js';
import type { ProxyTrust } from '../../request/proxy-trust.js';
import type { PublicNames } from '../../request/public-names.js';
import { RequestContext } from '../../request/request-context.js';
import type { Endpoint } from '../../endpoint/endpoint.js';
import { describeError } from '../../errors/describe-error.js';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';

/** What a URL may have between the slashes and the path. Anything else in a Host header would be an injection. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Builds the URLs of endpoints as clients reach them. */
export class EndpointUrls {
  constructor(
    private readonly endpoints: readonly Endpoint[],
    private readonly server: Server,
    private readonly proxies: ProxyTrust,
    private readonly names: PublicNames,
  ) {}

  readonly build = (type: Type, params: Readonly<Record<string, string>>, request?: UrlRequest): string => {
    const endpoint = this.endpoints.find(({ metatype, provider }) => metatype === type || provider.token === type);
    if (endpoint === undefined) {
      throw new ConfigurationError(
        `${type.name} is not an endpoint of this application; is it a provider with @WsEndpoint?`,
      );
    }
    let path: string;
    try {
      path = endpoint.pattern.build(params);
    } catch (error) {
      throw new ConfigurationError(
        `The URL of ${endpoint.name} (${endpoint.pattern.source}) cannot be built: ${describeError(error)}`,
        { cause: error },
      );
    }
    return `${request === undefined ? this.#ownBase() : this.#requestedBase(request)}${path}`;
  };

  #requestedBase(request: UrlRequest): string {
    const { believesHost, publicBase } = this.names;
    const client = request instanceof RequestContext ? request.clientSide : this.proxies.read(messageOf(request));
    const { host, secure, prefix } = client;
    const isUsable = host !== undefined && HOST.test(host);
    if (isUsable && believesHost && this.names.has(client)) return `${secure ? 'wss' : 'ws'}://${host}${prefix}`;
    if (publicBase !== undefined) return publicBase;
    throw new ConfigurationError(
      isUsable
        ? 'The Host of the request is none of the option hosts, so a URL is not built from it; set publicUrl for such requests.'
        : 'The request has no Host that a URL could be built from.',
    );
  }

  #ownBase(): string {
    if (this.names.publicBase !== undefined) return this.names.publicBase;
    const address = this.server.address();
    if (address === null || typeof address === 'string') {
      throw new ConfigurationError(
        'The server does not listen on a port yet, so an endpoint has no URL; pass the request that is being answered, or set publicUrl.',
      );
    }
    return `${this.server instanceof TlsServer ? 'wss' : 'ws'}://${hostOf(address)}:${address.port}`;
  }
}

/** A server on the address of all interfaces cannot be reached by that address. */
function hostOf({ address, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return 'localhost';
  return family === 'IPv6' ? `[${address}]` : address;
}

/** The message behind what frameworks and this library call a request. */
function messageOf(request: UrlRequest): IncomingMessage {
  return request instanceof IncomingMessage ? request : request.raw;
}
