import { STATUS_CODES } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { continueWith, type MaybePromise } from '../../async/maybe-promise.js';
import type { HandshakeDecision, HandshakeHook } from '../../endpoint/handshake-hook.js';
import type { HttpReply } from '../../errors/http-reply.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { retryAfter } from '../../limits/connection-limits.js';
import type { RequestContext } from '../../request/request-context.js';
import type { ClientInfo, GatewayOptions } from './gateway-options.js';

/** What the handshake of a gateway needs of its server. */
export interface AskedServer {
  readonly options: GatewayOptions;
  /** `close()` was called: nothing more comes in. */
  readonly isClosing: boolean;
  /** Subprotocols that the module serves; one of them is chosen already if the client offered it. */
  readonly protocols: readonly string[];
}

/** Decides as `ws` does: `verifyClient` first, then the subprotocol. A throw of either refuses as one of any hook does. */
export function handshakeOf(server: AskedServer): HandshakeHook {
  return (context, response): HandshakeDecision | Promise<HandshakeDecision> => {
    if (server.isClosing) throw new UpgradeRefusedError('not accepting', 'not accepting', { headers: retryAfter() });
    return continueWith(verify(server.options, context), (refusal): MaybePromise<HandshakeDecision> => {
      if (refusal !== undefined) return refusal;
      return continueWith(chooseProtocol(server, context, response.subprotocol), (protocol) => {
        response.subprotocol = protocol;
      });
    });
  };
}

/** Asks `verifyClient` in the form that it has. A promise of the first form is awaited, as its author meant it. */
function verify(options: GatewayOptions, context: RequestContext): MaybePromise<HttpReply | undefined> {
  const { verifyClient } = options;
  if (verifyClient === undefined) return undefined;
  const { raw } = context;
  const { authorized, encrypted } = raw.socket as Partial<TLSSocket>;
  const info: ClientInfo = { origin: context.origin, secure: authorized === true || encrypted === true, req: raw };
  // Called on the options, as `ws` does; its length says which form it has.
  if (verifyClient.length !== 2) {
    const ask = verifyClient as (info: ClientInfo) => unknown;
    return continueWith(ask.call(options, info), (verified) => (isYes(verified) ? undefined : refuse()));
  }
  return new Promise((resolve, reject) => {
    const pending = verifyClient.call(options, info, (verified, code, message, headers) =>
      resolve(isYes(verified) ? undefined : refuse(code, message, headers)),
    );
    // An asynchronous function may reject before it answers.
    Promise.resolve(pending).catch(reject);
  });
}

/** `ws` takes every value that counts as true, and so does what was written for it. */
function isYes(verified: unknown): boolean {
  return Boolean(verified);
}

function refuse(code = 401, message?: string, headers: Readonly<Record<string, string>> = {}): HttpReply {
  const status = code === 0 ? 401 : code;
  return { status, headers, body: message ?? STATUS_CODES[status] ?? '' };
}

/** The first that the client offered, unless `handleProtocols` or the module says something else. */
function chooseProtocol(
  { options, protocols }: AskedServer,
  context: RequestContext,
  chosen: string | undefined,
): MaybePromise<string | undefined> {
  const [first] = context.protocols;
  if (chosen !== undefined || first === undefined) return chosen;
  const { handleProtocols } = options;
  if (handleProtocols === undefined) return protocols.length === 0 ? first : undefined;
  const answer = handleProtocols.call(options, new Set(context.protocols), context.raw);
  return continueWith(answer, (protocol) => (isYes(protocol) ? String(protocol) : undefined));
}
