import type { RequestContext } from '../../connection/request-context.js';
import { chain, type MaybePromise } from '../../connection/settle.js';
import type { EndpointSettings } from '../../endpoint/endpoint.js';
import { isHttpReply, type HttpReply } from '../../errors/http-reply.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { isRawResponse } from '../../protocol/raw-response.js';
import type { AcceptResponse } from './accept-response.js';
import { runMiddleware } from './middleware.js';
import { checkOrigin } from './origin.js';
import type { UpgradeResponse } from './upgrade-response.js';

/** What was decided about an upgrade: accept, or a refusal of the hook's own making. */
export type HandshakeOutcome =
  | { readonly accepted: true; readonly results: readonly unknown[] }
  | { readonly accepted: false; readonly reply: HttpReply | string };

const ACCEPTED: HandshakeOutcome = { accepted: true, results: [] };

/**
 * Decides about an upgrade: origin, then middleware, login and the handshake hook. Synchronous as long as they are.
 *
 * @throws UpgradeRefusedError, or what login and hook throw.
 */
export function decideHandshake(
  settings: EndpointSettings,
  context: RequestContext,
  response: AcceptResponse,
  httpResponse: () => UpgradeResponse,
): MaybePromise<HandshakeOutcome> {
  const { origin, middleware, login, handshake } = settings;
  const allowed = checkOrigin(origin, context);
  const checked =
    middleware.length === 0 ? allowed : chain(allowed, () => runMiddleware(middleware, context, httpResponse()));
  const loggedIn = login === undefined ? checked : chain(checked, () => chain(login(context), insistOnLogin));
  if (handshake === undefined) return loggedIn === undefined ? ACCEPTED : chain(loggedIn, () => ACCEPTED);
  return chain(loggedIn, () => chain(handshake(context, response), (decision) => readDecision(decision, response)));
}

/** Preference of the server among what the client offers (RFC 6455 §4.2.2, item 5). */
export function preferredSubprotocol(protocols: readonly string[], context: RequestContext): string | undefined {
  if (protocols.length === 0) return undefined;
  const offered = context.protocols;
  return protocols.find((protocol) => offered.includes(protocol));
}

function insistOnLogin(loggedIn: unknown): void {
  // Only a clear yes lets in: a forgotten return must not.
  if (loggedIn !== true) throw new UpgradeRefusedError('unauthorized');
}

function readDecision(decision: unknown, response: AcceptResponse): HandshakeOutcome {
  if (decision === undefined || decision === response) return ACCEPTED;
  if (Array.isArray(decision) && decision[0] === response) return { accepted: true, results: decision.slice(1) };
  if (typeof decision === 'string' && isRawResponse(decision)) return { accepted: false, reply: decision };
  if (decision !== null && !Array.isArray(decision) && isHttpReply(decision))
    return { accepted: false, reply: decision };
  throw new UpgradeRefusedError('internal error', 'internal error', {
    cause: new TypeError(
      'A handshake hook returns nothing, the response, [response, ...results], { status, headers?, body? } or a whole ' +
        `raw HTTP response, not ${decision === null ? 'null' : Array.isArray(decision) ? 'another list' : typeof decision}.`,
    ),
  });
}
