import type { InjectionToken, OptionalFactoryDependency, ScopeOptions, Type, VERSION_NEUTRAL } from '@nestjs/common';
import type { CompressionOptions } from '../connection/compression.options.js';
import type { HeartbeatOptions } from '../limits/heartbeat.options.js';
import type { LimitsOptions } from '../limits/limits.options.js';
import type { ApplicationUser } from '../request/application-types.js';
import type { RequestContext } from '../request/request-context.js';
import type { BuiltInSerializer, Serializer, ValueSerializer } from '../serializer/serializer.js';
import type { ClassReference } from './class-reference.js';
import type { HandshakeOption, HandshakeReplacement, LoginOption } from './handshake-hook.js';

/**
 * Decides about an `Origin` header; `undefined` means that the client sent none, which a browser never does. Anything but
 * `true` refuses with 403. A throw or a rejection refuses as one of the hook does.
 */
export type OriginCheck = (origin: string | undefined, context: RequestContext) => boolean | Promise<boolean>;

/**
 * Which origins may connect (RFC 6455 §10.2).
 *
 * - `'same-origin'` (default): scheme, host and port of `Origin` are those of the request
 * - a list of origins (`'https://app.example'`), of patterns, or of both; `'same-origin'` in it stands for that of the
 *   request. A pattern without `^` and `$` fits a part of an origin too, such as that of a foreign page; there is a warning
 *   at boot
 * - a function
 * - `'*'`: every origin. Any web page can then act with the cookies of its visitor.
 *
 * Except for the function, a request without `Origin` is allowed: only browsers send it, and they always do.
 */
export type OriginOption = 'same-origin' | '*' | readonly (string | RegExp)[] | OriginCheck;

/**
 * Middleware of Express or Connect. It may answer by itself, which refuses the upgrade, or call `next`; an argument of
 * `next` refuses as a throw does. An error with a `status` of 400 to 599 refuses with that and with its `headers`, as those
 * of `http-errors` have them; any other is a fault: 500, with its stack in the log. What follows runs within `next`, so
 * inside of `als.run(store, next)`. Headers set on the response leave with the 101 or the refusal, and its `finish` follows.
 */
export type UpgradeMiddleware = (request: never, response: never, next: (error?: unknown) => void) => unknown;

/**
 * Tells when the login of a user ends: a `Date` or milliseconds since the epoch; `undefined` for never. Tokens have seconds:
 * `(user) => user.exp * 1000`. A parameter type of your own is allowed: what guards or the hook put there is theirs to keep.
 */
export type LoginEnd = {
  // A method, so that `(user: Claims) => …` fits where `ApplicationTypes` declares no user.
  at(user: ApplicationUser, context: RequestContext): Date | number | undefined;
}['at'];

/** A version of an endpoint, as of a controller. */
export type EndpointVersion = string | typeof VERSION_NEUTRAL;

/** Runs code of the application for one client, by calling `next`. */
export type AroundOption = (context: RequestContext, next: () => unknown) => unknown;

/** Options that a module sets for all its endpoints and an endpoint may set for itself. */
export class EndpointOptions {
  /** `'raw'` (default), `'json'`, an object with `encode` and `decode`, or an injectable class of that kind. */
  serializer: BuiltInSerializer | Serializer | ValueSerializer | Type<Serializer | ValueSerializer> = 'raw';
  /**
   * Decides about each upgrade; a function or an injectable class with a method `handshake`. Default: accept.
   *
   * Where module and endpoint both have one, both run, the module's first; one refusal is enough. The results are the
   * endpoint's, then the module's. With `{ replace: hook }` on an endpoint the module's is left out.
   */
  handshake?: HandshakeOption;
  /** Tells whether the client is logged in; a function or an injectable class with a method `login`. Default: none. */
  login?: LoginOption;
  /**
   * Tells when the login of a client ends: then the connection closes with 4401, unless `connection.reauthenticate(at)` has
   * moved the time. Asked once, after the guards of the handshake, for a client that has a `user` by then; of several ends,
   * those that hook and guards set included, the earliest counts. One that is over refuses with 401. It answers at once. A throw
   * refuses as one of a guard does; a promise, and what is not a time, refuses with 500. Default: none.
   */
  expiresAt?: LoginEnd;
  /** Which origins may connect. Default `'same-origin'`. */
  origin: OriginOption = 'same-origin';
  /**
   * Subprotocols in order of preference; the first that the client offered is used. Default none. Endpoints on one path may
   * have different ones: then the client's offer decides which of them serves it.
   */
  protocols: readonly string[] = [];
  /** Refuses a client that offers none of `protocols`, with 400. Default `false`: it is served without a subprotocol. */
  protocolRequired = false;
  /**
   * Messages of one connection that may be handled at the same time. Default 1: one after the other, in order; for clients of
   * stock gateways, where the module does not say, `limits.maxPendingMessages`.
   */
  concurrency = 1;
  /**
   * When silence is asked about and when it is taken for death; `false` switches it off. What an endpoint leaves out is the
   * module's. Default: 25 s and 10 s, see {@link HeartbeatOptions}.
   */
  heartbeat: Partial<HeartbeatOptions> | false = {};
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
  /**
   * Runs around code of the application, for libraries that keep a context: around the handshake (middleware, login, hooks, guards,
   * pipes), `@OnEstablish`, each message with its enhancers and the handlers of `connection.on`, and the finish. Each of them is a call
   * of its own, with the same context. It calls `next` once, before it returns, and its own result is not looked at. A throw counts
   * as one of the code inside: it refuses the handshake with 500, or goes to the error handling of its stage. Default: none, which
   * costs nothing.
   *
   * @example
   * ```ts
   * around: (context, next) => storage.run({ ip: context.ip }, next)
   * ```
   */
  around?: AroundOption;
  /**
   * Version for URI versioning, as in `/v1/ws/…`, or several; `VERSION_NEUTRAL` of `@nestjs/common` is the path without a version.
   * `registry.url` takes the first. Needs `app.enableVersioning({ type: VersioningType.URI })`.
   */
  version?: EndpointVersion | readonly EndpointVersion[];
  /** Time the peer has to answer a close frame before the connection is cut, in milliseconds. Default 5 000. */
  closeTimeoutMs = 5_000;
}

/**
 * What `@WsEndpoint` takes: the path and the options that differ from the module's. With `scope: Scope.REQUEST` every
 * connection has an instance of its own; with `durable` as well, those of one durable context share theirs.
 */
export interface WsEndpointOptions extends Omit<Partial<EndpointOptions>, 'handshake'>, ScopeOptions {
  /** Path pattern of `path-to-regexp`, relative to the module's `path`. Default `''`: the module's path itself. */
  path?: string;
  /**
   * Hosts that the endpoint is served for, such as `'api.example'` (any port), `'api.example:8443'` or `'*.example'` (the
   * names below it). Behind a proxy the host that the client asked for, as `trustProxy` says. Default: all. Endpoints on one
   * path may have different ones; one without serves the hosts that are left. For other hosts the path is not there (404).
   */
  host?: string | readonly string[];
  /**
   * Classes with `@WsEndpointPart()` that are parts of this endpoint, such as those of a package that cannot know it; or
   * functions that give them. A part that names the endpoint itself needs no place here. Default none.
   */
  parts?: readonly ClassReference[];
  /** Decides about each upgrade after the hook of the module; with `{ replace: hook }` in its place. */
  handshake?: HandshakeOption | HandshakeReplacement;
}

/**
 * Options of `@WsEndpoint` that come from other providers, such as a configuration service. What has to be known before any provider
 * is built (`parts`, `scope`, `durable`) stays in the decorator.
 *
 * @example
 * ```ts
 * @WsEndpoint({
 *   inject: [ConfigService],
 *   useFactory: (config: ConfigService) => ({ path: config.get('CHAT_PATH'), limits: { maxConnections: config.get('CHAT_MAX') } }),
 * })
 * export class ChatEndpoint {}
 * ```
 */
export interface WsEndpointFactory extends ScopeOptions, Pick<WsEndpointOptions, 'parts'> {
  /** Providers for `useFactory`, in the order of its parameters; singletons of any module. Default none. */
  inject?: readonly (InjectionToken | OptionalFactoryDependency)[];
  /** Gives the options, or the path alone; called once, while the application starts. A throw or a rejection stops it. */
  useFactory: (...args: never[]) => EndpointFactoryResult | Promise<EndpointFactoryResult>;
}

/** What the factory of an endpoint gives: a path, or options. */
export type EndpointFactoryResult = string | Omit<WsEndpointOptions, 'parts' | keyof ScopeOptions>;
