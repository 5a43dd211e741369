import { IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Type } from '@nestjs/common';
import type { UrlRequest } from '../connection/connection-registry.js';
import type { ProxyTrust } from '../connection/proxy-trust.js';
import type { Endpoint } from '../endpoint/endpoint.js';
import { describe } from '../errors/describe-error.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';

/** What may stand in a URL between the slashes and the path; anything else in a Host header would be an injection. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Builds the URLs of endpoints as clients reach them. */
export class EndpointUrls {
  constructor(
    private readonly endpoints: readonly Endpoint[],
    private readonly server: Server,
    private readonly proxies: ProxyTrust,
  ) {}

  readonly build = (type: Type, params: Readonly<Record<string, string>>, request?: UrlRequest): string => {
    const endpoint = this.endpoints.find(({ host }) => host.definition.metatype === type);
    if (endpoint === undefined) {
      throw new ConfigurationError(
        `${type.name} is no endpoint of this application; is it a provider with @WsEndpoint?`,
      );
    }
    let path: string;
    try {
      path = endpoint.pattern.build(params);
    } catch (error) {
      throw new ConfigurationError(
        `The URL of ${endpoint.name} (${endpoint.pattern.source}) cannot be built: ${describe(error)}`,
        { cause: error },
      );
    }
    const message = request === undefined ? undefined : messageOf(request);
    return message === undefined ? `${this.#listeningOrigin()}${path}` : `${this.#requestedOrigin(message)}${path}`;
  };

  #requestedOrigin(request: IncomingMessage): string {
    const host = this.proxies.host(request);
    if (host === undefined || !HOST.test(host)) {
      throw new ConfigurationError('The request has no Host that a URL could be built from.');
    }
    return `${this.proxies.secure(request) ? 'wss' : 'ws'}://${host}`;
  }

  #listeningOrigin(): string {
    const address = this.server.address();
    if (address === null || typeof address === 'string') {
      throw new ConfigurationError(
        'The server does not listen on a port yet, so an endpoint has no URL; pass the request that is being answered.',
      );
    }
    return `${this.server instanceof TlsServer ? 'wss' : 'ws'}://${hostOf(address)}:${address.port}`;
  }
}

/** An address that stands for all of them is no address to connect to. */
function hostOf({ address, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return 'localhost';
  return family === 'IPv6' ? `[${address}]` : address;
}

/** The message behind what frameworks and this library call a request. */
function messageOf(request: UrlRequest): IncomingMessage {
  return request instanceof IncomingMessage ? request : request.raw;
}
