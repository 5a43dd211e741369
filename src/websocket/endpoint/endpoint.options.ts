import type { ScopeOptions, Type } from '@nestjs/common';
import type { CompressionOptions } from '../connection/compression.options.js';
import type { LimitsOptions } from '../connection/limits.options.js';
import type { RequestContext } from '../connection/request-context.js';
import type { BuiltInSerializer, Serializer } from '../serializer/serializer.js';
import type { HandshakeOption, LoginOption } from './handshake-hook.js';

/**
 * Decides about an `Origin` header; `undefined` means the client sent none and is no browser. `false` refuses with 403. A throw or a rejection refuses as one of the hook does.
 */
export type OriginCheck = (origin: string | undefined, context: RequestContext) => boolean | Promise<boolean>;

/**
 * Which origins may connect (RFC 6455 §10.2).
 *
 * - `'same-origin'` (default): scheme, host and port of `Origin` are those of the request
 * - a list of origins (`'https://app.example'`), of patterns, or of both
 * - a function
 * - `'*'`: every origin. Any web page can then act with the cookies of its visitor.
 *
 * Except for the function, a request without `Origin` is allowed: only browsers send it, and they always do.
 */
export type OriginOption = 'same-origin' | '*' | readonly (string | RegExp)[] | OriginCheck;

/**
 * Middleware of Express or Connect. It may answer by itself, which refuses the upgrade, or call `next`; an argument of
 * `next` refuses as a throw does. An error with a `status` of 400 to 599 refuses with that, any other as one of the hook
 * does.
 */
export type UpgradeMiddleware = (request: never, response: never, next: (error?: unknown) => void) => unknown;

/** Options that a module sets for all its endpoints and an endpoint may set for itself. */
export class EndpointOptions {
  /** `'raw'` (default), `'json'`, an object with `encode` and `decode`, or an injectable class of that kind. */
  serializer: BuiltInSerializer | Serializer | Type<Serializer> = 'raw';
  /** Decides about each upgrade; a function or an injectable class with a method `handshake`. Default: accept. */
  handshake?: HandshakeOption;
  /** Tells whether the client is logged in; a function or an injectable class with a method `login`. Default: none. */
  login?: LoginOption;
  /** Which origins may connect. Default `'same-origin'`. */
  origin: OriginOption = 'same-origin';
  /** Subprotocols in order of preference; the first that the client offered is used. Default none. */
  protocols: readonly string[] = [];
  /** Messages of one connection that may be handled at the same time. Default 1: one after the other, in order. */
  concurrency = 1;
  /** What a connection may use; what is left out keeps its default. */
  limits: Partial<LimitsOptions> = {};
  /**
   * Offers compression of messages: `true` for the defaults, or what differs from them. Default `false`. Connections
   * that use it leave the fast path.
   */
  compression: boolean | Partial<CompressionOptions> = false;
  /**
   * Time for origin, middleware, login, hook, guards and pipes together, in milliseconds; past it the answer is 408. Default
   * 10 000; 0 means no limit.
   */
  handshakeTimeoutMs = 10_000;
  /**
   * Middleware of Express or Connect that runs on the upgrade, after the origin and before `login`, in this order, also
   * on Fastify: sessions, passport, cookies. What it sets on the request is seen by hooks and guards; headers it sets on
   * the response, such as a session cookie, leave with the 101. Default none.
   */
  middleware: readonly UpgradeMiddleware[] = [];
  /** Version for URI versioning, as in `/v1/ws/…`. Needs `app.enableVersioning({ type: VersioningType.URI })`. */
  version?: string;
  /** Time the peer has to answer a close frame before the connection is cut, in milliseconds. Default 5 000. */
  closeTimeoutMs = 5_000;
}

/**
 * What `@WsEndpoint` takes: the path and the options that differ from the module's. With `scope: Scope.REQUEST` every
 * connection has an instance of its own; with `durable` as well, those of one durable context share theirs.
 */
export interface WsEndpointOptions extends Partial<EndpointOptions>, ScopeOptions {
  /** Path pattern of `path-to-regexp`, relative to the module's `path`. Default `''`: the module's path itself. */
  path?: string;
}
