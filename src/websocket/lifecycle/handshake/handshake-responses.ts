import type { IncomingMessage } from 'node:http';
import { toReadable } from '../../async/thrown-value.js';
import type { HttpReply } from '../../errors/http-reply.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { log } from '../../log/log.js';
import { AcceptResponse } from './accept-response.js';
import { UpgradeResponse, watchLate } from './upgrade-response.js';

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * What code of the application says about the answer while a handshake is decided: hooks through the response of the 101,
 * middleware, guards and filters through an HTTP response. What was set leaves with the 101 and with a refusal alike.
 */
export class HandshakeResponses {
  readonly accept: AcceptResponse;
  #http: UpgradeResponse | undefined;

  constructor(
    private readonly request: IncomingMessage,
    subprotocol: string | undefined,
  ) {
    this.accept = new AcceptResponse(subprotocol);
  }

  /** The HTTP response; made when middleware, a guard or a filter is there. */
  readonly http = (): UpgradeResponse => (this.#http ??= new UpgradeResponse(this.request));

  /** The whole answer, where the application has written one. */
  get written(): HttpReply | undefined {
    return this.#http?.reply;
  }

  /** Runs the end of the handshake in the async context in which middleware went on. */
  within(end: () => void): void {
    const scope = this.#http?.scope;
    if (scope === undefined) end();
    else scope.runInAsyncScope(end);
  }

  /** Header lines of the 101. @throws UpgradeRefusedError when middleware fails at the last moment. */
  conclude(): readonly string[] {
    const http = this.#http;
    if (http === undefined) return this.accept.headerLines;
    try {
      // Middleware that waits for the head does its work now, such as setting a session cookie.
      watchLate(http.writeHead(101));
      watchLate(http.end());
    } catch (fault) {
      throw new UpgradeRefusedError('internal error', 'internal error', { cause: toReadable(fault) });
    }
    return [...http.headerLines, ...this.accept.headerLines];
  }

  /** The answer of a refusal with what was set before; where both have a header, that of the answer counts. */
  complete<T extends { readonly status: number; readonly headers: Headers }>(answer: T): T {
    const http = this.#http;
    if (http !== undefined && !http.writableEnded) {
      http.statusCode = answer.status;
      attempt(() => http.writeHead(answer.status));
    }
    const before = [...(http?.headersOfRefusal ?? []), ...this.accept.headers];
    return before.length === 0
      ? answer
      : { ...answer, headers: [...answer.headers, ...missingIn(answer.headers, before)] };
  }

  /** The refusal has been written: access logs hear of it, as they do of the 101. */
  end(): void {
    const http = this.#http;
    if (http !== undefined) attempt(() => http.end());
  }

  /** As `end`, for an answer that a hook wrote as bytes. */
  endAs(status: number): void {
    if (this.#http !== undefined && !this.#http.writableEnded) this.#http.statusCode = status;
    this.end();
  }

  /** The client left before there was an answer. */
  leave(): void {
    this.#http?.leave();
  }
}

/** For methods that middleware may have replaced: the refusal does not depend on them. */
function attempt(method: () => unknown): void {
  try {
    watchLate(method());
  } catch (fault) {
    log.error('middleware', 'What middleware put in the place of the head or the end of a response failed.', fault);
  }
}

function missingIn(headers: Headers, others: Headers): Headers {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  return others.filter(([name, value]) =>
    name.toLowerCase() === 'set-cookie'
      ? !headers.some((header) => header[1] === value && header[0].toLowerCase() === 'set-cookie')
      : !names.has(name.toLowerCase()),
  );
}
