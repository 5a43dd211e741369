import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import type { ErrorHook, UpgradeFailure } from '../../endpoint/handshake-hook.js';
import type { RequestContext } from '../../request/request-context.js';
import { LateAnswerError } from '../../async/at-once.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import { toReadable, UnreadableError } from '../../async/thrown-value.js';
import { isHttpReply, type HttpReply } from '../../errors/http-reply.js';
import { describeError } from '../../errors/describe-error.js';
import { guardThatThrew } from '../../errors/ws-exception-of-guard.js';
import { toHttpError } from '../../errors/http-error.js';
import { PlackWebSocketError, UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { UPGRADE_ERRORS, type UpgradeErrorName } from '../../errors/upgrade-error.js';
import { respondWith, toAnswer, writeAnswer, type HttpAnswer } from './http-answer.js';
import type { PendingPlace } from './pending-place.js';
import { log } from '../../log/log.js';

/** An upgrade that is refused, and what is known of it. */
export interface RefusedUpgrade {
  readonly socket: Duplex;
  readonly context: RequestContext;
  /** What refused it: what was thrown. */
  readonly cause: unknown;
  /** Its place among the handshakes; without one `onError` is only asked as long as it answers at once. */
  readonly place: PendingPlace | undefined;
  /** A hook or `login` has thrown it: without a status of its own it is the fault of the request, not ours. */
  readonly isByHook?: boolean;
  /** The answer of an exception filter, which takes the place of the default one. */
  readonly filtered?: Promise<HttpReply | undefined> | undefined;
  /** What code of the application has said about the answer. */
  readonly responses?: Responses;
}

/** Declared here, where it is used; implemented by the handshake. */
interface Responses {
  complete(answer: HttpAnswer): HttpAnswer;
  end(): void;
}

/** Answers upgrades that are refused: through `onError` when there is one, else with the default answer. */
export class Refusal {
  /** It has answered with a promise: only what has a place may ask it, or its calls would have no bound. */
  #onErrorTakesTime = false;

  constructor(
    private readonly onError: ErrorHook | undefined,
    /** Time for a filter and for `onError`, each, in milliseconds; 0 means no limit. */
    private readonly timeoutMs: number,
  ) {}

  /** Refuses an upgrade on its socket. Never throws and never rejects. */
  refuse(refused: RefusedUpgrade): void {
    const answered = this.#refuse(refused);
    // Between a filter and `onError` none of them runs, and the place stays taken.
    refused.place?.keepFor(answered);
  }

  async #refuse(refused: RefusedUpgrade): Promise<void> {
    const { socket, context, responses } = refused;
    try {
      // Reading on shows when the client leaves while filters and `onError` take their time.
      socket.once('end', () => socket.destroy()).resume();
      const decided = await this.#answer(refused);
      const answer = responses?.complete(decided) ?? decided;
      // The answer to a HEAD is the head alone (RFC 9110 §9.3.2).
      writeAnswer(socket, context.raw.method === 'HEAD' ? { ...answer, body: Buffer.alloc(0) } : answer);
      responses?.end();
    } catch (fault) {
      abandon(socket, fault);
    }
  }

  /** Answers a plain request on the path of an endpoint. Never throws and never rejects. */
  respond(response: ServerResponse, context: RequestContext, cause: unknown, place: PendingPlace | undefined): void {
    const responded = this.#respond(response, context, cause, place);
    place?.keepFor(responded);
  }

  async #respond(
    response: ServerResponse,
    context: RequestContext,
    cause: unknown,
    place: PendingPlace | undefined,
  ): Promise<void> {
    try {
      const answer = await this.#answer({ context, cause, place });
      respondWith(response, context.raw.httpVersionMajor, answer);
    } catch (error) {
      log.error('plain answer', 'The answer of a plain request could not be sent', error, { context });
      response.destroy();
    }
  }

  async #answer(refused: Omit<RefusedUpgrade, 'socket'>): Promise<HttpAnswer> {
    const { context, cause, place, isByHook = false, filtered } = refused;
    const byFilter = filtered === undefined ? undefined : await this.#within(filtered, 'An exception filter', place);
    const { failure, reply } =
      byFilter === undefined
        ? defaultReply(context, toReadable(cause), isByHook)
        : filteredReply(context, cause, byFilter);
    log.debug('refusal', () => refusalLine(context, failure), { context });
    if (this.onError !== undefined && (place !== undefined || !this.#onErrorTakesTime)) {
      try {
        const pending = this.onError(failure);
        this.#onErrorTakesTime ||= isPromiseLike(pending);
        const own: unknown = await this.#within(pending, 'onError', place);
        if (isHttpReply(own)) return toAnswer(own);
        if (own !== undefined && own !== null) {
          log.error(
            'onError',
            'onError must return { status, headers?, body? } or nothing; the default answer is sent.',
          );
        }
      } catch (error) {
        log.error('onError', 'onError failed, the default answer is sent', error, { context });
      }
    }
    try {
      return toAnswer(reply);
    } catch (error) {
      log.error('answer', 'The answer of a refused upgrade could not be sent', error, { context });
      return toAnswer({ status: 500 });
    }
  }

  /** Waits for code of the application, at most for the time limit of the handshake. It keeps the place while it runs. */
  async #within<T>(pending: T | PromiseLike<T>, who: string, place: PendingPlace | undefined): Promise<T | undefined> {
    if (!isPromiseLike(pending)) return pending;
    const code = Promise.resolve(pending);
    place?.keepFor(code);
    place?.limit(2 * this.timeoutMs);
    if (this.timeoutMs === 0) return code;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        log.error(who, `${who} took longer than ${this.timeoutMs} ms; the default answer is sent.`);
        resolve(undefined);
      }, this.timeoutMs);
    });
    try {
      return await Promise.race([code, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The last resort of a handshake: its fault is logged, and the client is not left waiting. Never throws. */
export function abandon(socket: Duplex, fault: unknown): void {
  log.error('handshake', 'A handshake could not be answered; its socket is destroyed.', fault);
  socket.destroy();
}

/** What the peer gets and what `onError` is told, from what was thrown. */
function defaultReply(
  context: RequestContext,
  thrown: unknown,
  isByHook: boolean,
): { failure: UpgradeFailure; reply: HttpReply } {
  if (thrown instanceof LateAnswerError || thrown instanceof UnreadableError) return faultReply(context, thrown);
  if (thrown instanceof UpgradeRefusedError) {
    const { error } = thrown;
    const { status, headers } = UPGRADE_ERRORS[error];
    const actual = thrown.status ?? status;
    const cause = thrown.cause ?? thrown;
    // A fault of ours or of the application's hooks: the peer learns nothing, so the log has to.
    if (error === 'internal error') log.error('handshake', 'A handshake failed', cause, { context });
    // A setting that does not fit, more often than an attack; the peer learns nothing of it either.
    if (cause instanceof PlackWebSocketError && cause !== thrown && error !== 'internal error')
      log.debug(error, () => `${actual} ${error}: ${cause.message}`, { context });
    return {
      failure: { error, status: actual, cause, context },
      reply: { status: actual, headers: { ...headers, ...thrown.headers }, body: nestBody(actual, thrown.message) },
    };
  }
  if (thrown instanceof HttpException && isHttpReply({ status: thrown.getStatus() })) {
    const status = thrown.getStatus();
    return {
      failure: { error: nameOfStatus(status), status, cause: thrown, context },
      reply: { status, body: bodyOf(thrown, status) },
    };
  }
  if (thrown instanceof HttpException) {
    log.error('status', `An HttpException has the status ${String(thrown.getStatus())}, which no answer can have.`);
    return {
      failure: { error: 'internal error', status: 500, cause: thrown, context },
      reply: { status: 500, body: nestBody(500, 'internal error') },
    };
  }
  if (!isByHook) return otherReply(context, thrown);
  // What an unknown exception says is for the log and for onError, never for the peer.
  log.warn('handshake', `A handshake was refused because of an exception: ${describeError(thrown)}`, thrown, {
    context,
  });
  return {
    failure: { error: 'invalid request', status: 400, cause: thrown, context },
    reply: { status: 400, body: nestBody(400, 'invalid request') },
  };
}

/** What middleware, guards and pipes throw: an error of the Connect world says its status as in a controller, others are faults. */
function otherReply(context: RequestContext, thrown: unknown): { failure: UpgradeFailure; reply: HttpReply } {
  const refusal = toHttpError(thrown, false);
  if (refusal !== undefined) return defaultReply(context, refusal, false);
  if (!(thrown instanceof WsException)) return faultReply(context, thrown);
  const guard = guardThatThrew(thrown);
  log.warn(
    'handshake',
    guard === undefined
      ? `A WsException in a handshake, which is HTTP, refuses with 403: ${describeError(thrown)}`
      : `${guard} threw a WsException in a handshake, where guards run over HTTP: refused with 403. Throw an HttpException ` +
          `where getType() is 'http', such as UnauthorizedException: ${describeError(thrown)}`,
    thrown,
    { context },
  );
  return {
    failure: { error: 'forbidden', status: 403, cause: thrown, context },
    reply: { status: 403, body: nestBody(403, 'forbidden') },
  };
}

function faultReply(context: RequestContext, cause: unknown): { failure: UpgradeFailure; reply: HttpReply } {
  return defaultReply(context, new UpgradeRefusedError('internal error', 'internal error', { cause }), false);
}

function filteredReply(
  context: RequestContext,
  cause: unknown,
  reply: HttpReply,
): { failure: UpgradeFailure; reply: HttpReply } {
  return { failure: { error: nameOfStatus(reply.status), status: reply.status, cause, context }, reply };
}

/** The body that an exception brings; an error in its place was never written for a peer, so the log gets it. */
function bodyOf(exception: HttpException, status: number): object {
  const response = exception.getResponse();
  if (typeof response !== 'object') return { statusCode: status, message: response };
  if (!(response instanceof Error)) return response;
  log.warn('handshake', `A handshake was refused because of an exception: ${describeError(response)}`, response);
  return nestBody(status, STATUS_CODES[status] ?? 'Error');
}

function nestBody(status: number, message: string): object {
  return { statusCode: status, message, error: STATUS_CODES[status] ?? 'Error' };
}

function nameOfStatus(status: number): UpgradeErrorName {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not found';
  if (status === 408) return 'handshake timeout';
  if (status === 429) return 'too many connections';
  return status >= 500 ? 'internal error' : 'invalid request';
}

/** The path of an upgrade that has no endpoint is its whole target, and a query may hold a token. */
function refusalLine({ path }: RequestContext, { status, error }: UpgradeFailure): string {
  const end = path.search(/[?#]/);
  return `An upgrade of ${end === -1 ? path : path.slice(0, end)} is refused: ${status} ${error}`;
}
