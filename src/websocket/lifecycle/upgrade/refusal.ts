import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpException, Logger } from '@nestjs/common';
import type { ErrorHook, UpgradeFailure } from '../../endpoint/handshake-hook.js';
import type { RequestContext } from '../../connection/request-context.js';
import { isPromiseLike } from '../../connection/settle.js';
import { isHttpReply, type HttpReply } from '../../errors/http-reply.js';
import { describe, stackOf } from '../../errors/describe-error.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { UPGRADE_ERRORS, type UpgradeErrorName } from '../../errors/upgrade-error.js';
import { toAnswer, writeAnswer, type HttpAnswer } from './http-answer.js';

const logger = new Logger('PlackWebSocket');

/** Answers upgrades that are refused: through `onError` when there is one, else with the default answer. */
export class Refusal {
  constructor(
    private readonly onError: ErrorHook | undefined,
    /** Time for a filter and for `onError`, each, in milliseconds; 0 means no limit. */
    private readonly timeoutMs: number,
  ) {}

  /**
   * Refuses an upgrade on its socket. Never throws and never rejects.
   * @param filtered the answer of an exception filter, which takes the place of the default one.
   */
  async refuse(
    socket: Duplex,
    context: RequestContext,
    cause: unknown,
    filtered?: Promise<HttpReply | undefined>,
  ): Promise<void> {
    // Read on, or nobody would notice that the client leaves while filters and `onError` take their time.
    socket.once('end', () => socket.destroy()).resume();
    const answer = await this.#answer(context, cause, filtered);
    // The answer to a HEAD is the head alone (RFC 9110 §9.3.2).
    writeAnswer(socket, context.raw.method === 'HEAD' ? { ...answer, body: Buffer.alloc(0) } : answer);
  }

  /** Answers a plain request on the path of an endpoint. Never throws and never rejects. */
  async respond(response: ServerResponse, context: RequestContext, cause: unknown): Promise<void> {
    const { status, headers, body } = await this.#answer(context, cause);
    if (response.headersSent || response.destroyed) return;
    response.statusCode = status;
    for (const [name, value] of headers) response.appendHeader(name, value);
    response.end(body);
  }

  async #answer(
    context: RequestContext,
    cause: unknown,
    filtered?: Promise<HttpReply | undefined>,
  ): Promise<HttpAnswer> {
    const byFilter = filtered === undefined ? undefined : await this.#within(filtered, 'An exception filter');
    const { failure, reply } =
      byFilter === undefined ? defaultReply(context, cause) : filteredReply(context, cause, byFilter);
    if (this.onError !== undefined) {
      try {
        const own: unknown = await this.#within(this.onError(failure), 'onError');
        if (isHttpReply(own)) return toAnswer(own);
        if (own !== undefined && own !== null) {
          logger.error('onError must return { status, headers?, body? } or nothing; the default answer is sent.');
        }
      } catch (error) {
        logger.error(`onError failed, the default answer is sent: ${describe(error)}`, stackOf(error));
      }
    }
    try {
      return toAnswer(reply);
    } catch (error) {
      logger.error(`The answer of a refused upgrade could not be sent: ${describe(error)}`, stackOf(error));
      return toAnswer({ status: 500 });
    }
  }

  /** Waits for code of the application, but not for ever. */
  async #within<T>(pending: T | PromiseLike<T>, who: string): Promise<T | undefined> {
    if (this.timeoutMs === 0 || !isPromiseLike(pending)) return pending;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        logger.error(`${who} took longer than ${this.timeoutMs} ms; the default answer is sent.`);
        resolve(undefined);
      }, this.timeoutMs);
    });
    try {
      return await Promise.race([pending, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What the peer gets and what `onError` is told, from what was thrown. */
function defaultReply(context: RequestContext, thrown: unknown): { failure: UpgradeFailure; reply: HttpReply } {
  if (thrown instanceof UpgradeRefusedError) {
    const { error } = thrown;
    const { status, headers } = UPGRADE_ERRORS[error];
    const actual = thrown.status ?? status;
    const cause = thrown.cause ?? thrown;
    // A fault of ours or of the application's hooks: the peer learns nothing, so the log has to.
    if (error === 'internal error') logger.error(`A handshake failed: ${describe(cause)}`, stackOf(cause));
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
    logger.error(`An HttpException has the status ${String(thrown.getStatus())}, which no answer can have.`);
    return {
      failure: { error: 'internal error', status: 500, cause: thrown, context },
      reply: { status: 500, body: nestBody(500, 'internal error') },
    };
  }
  // What an unknown exception says is for the log and for onError, never for the peer.
  logger.warn(`A handshake was refused because of an exception: ${describe(thrown)}`);
  return {
    failure: { error: 'invalid request', status: 400, cause: thrown, context },
    reply: { status: 400, body: nestBody(400, 'invalid request') },
  };
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
  logger.warn(`A handshake was refused because of an exception: ${describe(response)}`);
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
