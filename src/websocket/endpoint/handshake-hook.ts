import type { Type } from '@nestjs/common';
import type { CookieOptions } from '../request/cookies.js';
import type { RequestContext } from '../request/request-context.js';
import type { HttpReply } from '../errors/http-reply.js';
import type { UpgradeErrorName } from '../errors/upgrade-error.js';

/**
 * Shapes the 101 answer of one upgrade, while the hook runs. Nothing of it is sent when the upgrade is refused after all.
 *
 * @example
 * ```ts
 * handshake(context: RequestContext, response: HandshakeResponse): HandshakeDecision {
 *   context.user = badge;
 *   response.setCookie('badge', number, { path: '/ws', httpOnly: true, sameSite: 'strict' });
 *   response.expiresAt = Date.now() + SHIFT_MS;
 *   return [response, context.cookies['badge'] !== undefined];
 * }
 * ```
 */
export abstract class HandshakeResponse {
  /**
   * Subprotocol to answer with (RFC 6455 §4.2.2, item 5). It must be one the client offered; another one is reported in
   * the log and not sent. Starts as the first of the endpoint's `protocols` that was offered.
   */
  abstract subprotocol: string | undefined;
  /**
   * When the login that was checked ends, as a `Date` or in milliseconds since the epoch: the connection then closes with
   * 4401, unless `connection.reauthenticate` moves the time. Default never.
   */
  abstract expiresAt: Date | number | undefined;
  /**
   * Sets a header of the 101, replacing earlier values.
   * @throws TypeError for a name or value that would break the header section, or a header that belongs to the handshake.
   */
  abstract setHeader(name: string, value: string | number): this;
  /** Adds one more line of a header. @throws TypeError as `setHeader`. */
  abstract appendHeader(name: string, value: string | number): this;
  /**
   * Sets a cookie: one `Set-Cookie` line each. `maxAge` is in seconds.
   * @throws TypeError for a name, value or attribute that a cookie cannot carry.
   */
  abstract setCookie(name: string, value: string, options?: CookieOptions): this;
}

/**
 * What a handshake hook may decide: nothing or the response accept; a list accepts and hands its further members to
 * `@OnEstablish`; an {@link HttpReply} or a complete raw HTTP response refuses.
 */
export type HandshakeDecision =
  void | undefined | HandshakeResponse | readonly [HandshakeResponse, ...unknown[]] | HttpReply | string;

/**
 * Decides about an upgrade before the 101, at most once per upgrade: after origin, middleware and login, before guards
 * and pipes. May be asynchronous, within `handshakeTimeoutMs`.
 *
 * A throw or a rejection refuses: an `HttpException` with its own status and body, anything else as `invalid request`
 * 400, the exception kept as the failure's `cause`.
 */
export type HandshakeHook = (
  context: RequestContext,
  response: HandshakeResponse,
) => HandshakeDecision | Promise<HandshakeDecision>;

/** An injectable handshake hook. */
export interface HandshakeHookClass {
  /** Decides about an upgrade, as a {@link HandshakeHook}. */
  handshake(...args: Parameters<HandshakeHook>): ReturnType<HandshakeHook>;
}

/**
 * Tells whether the client is logged in; anything but `true` answers 401 before the 101. Runs after the origin check and
 * middleware, before the hook. May be asynchronous, within `handshakeTimeoutMs`. A throw or a rejection refuses as in the
 * hook.
 */
export type LoginHook = (context: RequestContext) => boolean | Promise<boolean>;

/** An injectable login hook. */
export interface LoginHookClass {
  /** Tells whether the client is logged in, as a {@link LoginHook}. */
  login(...args: Parameters<LoginHook>): ReturnType<LoginHook>;
}

/** An upgrade that is going to be refused. */
export interface UpgradeFailure {
  /**
   * Why, from the table of upgrade errors. An exception of a hook, guard or filter gets the name that fits its status; one
   * without a status is `invalid request` from a hook or `login`, else `internal error`.
   */
  readonly error: UpgradeErrorName;
  /** HTTP status of the default answer. */
  readonly status: number;
  /** What the hook or a guard threw, or the fault itself. */
  readonly cause: unknown;
  /** The request; its `params` are empty when no endpoint was found. */
  readonly context: RequestContext;
}

/**
 * Answers a refused upgrade in place of the default. Its reply is complete: the headers of the default answer (`Allow`,
 * `Upgrade`, `Retry-After`) are not added to it, while those that hook, guards and middleware have set are. Nothing or `undefined` keeps the default answer. It is not asked about an
 * answer that the hook returned or that middleware wrote.
 *
 * May be asynchronous, within `handshakeTimeoutMs`. If it takes longer, throws or rejects, the default answer is sent and
 * the fault is logged.
 */
export type ErrorHook = (
  failure: UpgradeFailure,
) => HttpReply | undefined | void | Promise<HttpReply | undefined | void>;

/** An injectable error hook. */
export interface ErrorHookClass {
  /** Answers a refused upgrade, as an {@link ErrorHook}. */
  onError(...args: Parameters<ErrorHook>): ReturnType<ErrorHook>;
}

/** A handshake hook given as a function, or as a class with a method `handshake`, built by Nest's injector. */
export type HandshakeOption = HandshakeHook | Type<HandshakeHookClass>;

/** A handshake hook of an endpoint that takes the place of the module's, which otherwise runs before it. */
export interface HandshakeReplacement {
  /** The hook of the endpoint. */
  replace: HandshakeOption;
}

/** A login hook given as a function, or as a class with a method `login`, built by Nest's injector. */
export type LoginOption = LoginHook | Type<LoginHookClass>;
/** An error hook given as a function, or as a class with a method `onError`, built by Nest's injector. */
export type ErrorOption = ErrorHook | Type<ErrorHookClass>;
