import type { Type } from '@nestjs/common';
import type { CookieOptions } from '../connection/cookies.js';
import type { RequestContext } from '../connection/request-context.js';
import type { HttpReply } from '../errors/http-reply.js';
import type { UpgradeErrorName } from '../errors/upgrade-error.js';

/** The 101 answer while the hook may still shape it. */
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
 * Decides about an upgrade before the 101, at most once per upgrade. May be asynchronous, within `handshakeTimeoutMs`.
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
  handshake(...args: Parameters<HandshakeHook>): ReturnType<HandshakeHook>;
}

/** Tells whether the client is logged in; `false` answers 401 before the 101. A throw refuses as in the hook. */
export type LoginHook = (context: RequestContext) => boolean | Promise<boolean>;

/** An injectable login hook. */
export interface LoginHookClass {
  login(...args: Parameters<LoginHook>): ReturnType<LoginHook>;
}

/** An upgrade that is going to be refused. */
export interface UpgradeFailure {
  /** Why, from the table of upgrade errors. */
  readonly error: UpgradeErrorName;
  /** HTTP status of the default answer. */
  readonly status: number;
  /** What the hook or a guard threw, or the fault itself. */
  readonly cause: unknown;
  /** The request; its `params` are empty when no endpoint was found. */
  readonly context: RequestContext;
}

/**
 * Answers a refused upgrade in place of the default. Nothing or `undefined` keeps the default answer. If it throws or
 * rejects, the default answer is sent and the fault is logged.
 */
export type ErrorHook = (
  failure: UpgradeFailure,
) => HttpReply | undefined | void | Promise<HttpReply | undefined | void>;

/** An injectable error hook. */
export interface ErrorHookClass {
  onError(...args: Parameters<ErrorHook>): ReturnType<ErrorHook>;
}

/** A hook given as a function, or as a class with a method of the option's name, built by Nest's injector. */
export type HandshakeOption = HandshakeHook | Type<HandshakeHookClass>;
export type LoginOption = LoginHook | Type<LoginHookClass>;
export type ErrorOption = ErrorHook | Type<ErrorHookClass>;
