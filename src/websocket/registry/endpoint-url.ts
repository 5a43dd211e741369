import type { IncomingMessage } from 'node:http';
import type { Type } from '@nestjs/common';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import type { RequestContext } from '../request/request-context.js';

/** A request that tells under which name the server is reached. */
export type UrlRequest = RequestContext | IncomingMessage | { readonly raw: IncomingMessage };

/** Builds the URL of an endpoint; who knows paths and servers implements it. */
export type UrlBuilder = (endpoint: Type, params: Readonly<Record<string, string>>, request?: UrlRequest) => string;

/** Stands for the builder until the application is initialized. @throws ConfigurationError always */
export function noUrlYet(): never {
  throw new ConfigurationError(
    'Endpoints have no URL before the application is initialized. Ask for it after app.init() or app.listen().',
  );
}
