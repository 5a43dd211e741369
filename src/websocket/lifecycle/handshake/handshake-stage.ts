import type { RequestContext } from '../../request/request-context.js';
import { continueWith, type MaybePromise } from '../../async/maybe-promise.js';
import type { EndpointSettings } from '../../endpoint/endpoint.js';
import type { HandshakeHook, LoginHook } from '../../endpoint/handshake-hook.js';
import { isHttpReply, type HttpReply } from '../../errors/http-reply.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { isRawResponse } from '../../protocol/raw-response.js';
import type { AcceptResponse } from './accept-response.js';
import { runMiddleware } from './middleware.js';
import { checkHost } from './host.js';
import { checkOrigin } from './origin.js';
import { askHook } from './thrown-by-hook.js';
import type { UpgradeResponse } from './upgrade-response.js';

/** What was decided about an upgrade. */
export type HandshakeOutcome = { readonly accepted: true; readonly results: readonly unknown[] } | RefusedByHook;

/** A refusal that a hook wrote itself. */
export interface RefusedByHook {
  readonly accepted: false;
  readonly reply: HttpReply | string;
}

const NO_RESULTS: readonly unknown[] = [];
const ACCEPTED: HandshakeOutcome = { accepted: true, results: NO_RESULTS };

/**
 * Decides about an upgrade: host and origin, then middleware, login and the handshake hooks. Synchronous as long as they are.
 * `next` takes the outcome, within the `next` of the last middleware.
 *
 * @throws UpgradeRefusedError, ThrownByHook, or what origin and middleware throw.
 */
export function decideHandshake<T>(
  settings: EndpointSettings,
  context: RequestContext,
  response: AcceptResponse,
  httpResponse: () => UpgradeResponse,
  next: (outcome: HandshakeOutcome) => MaybePromise<T>,
): MaybePromise<T> {
  const { origin, names, middleware, login, handshakes } = settings;
  checkHost(names, context);
  const decide = (): MaybePromise<T> => {
    const asked =
      login === undefined
        ? askHooks(handshakes, 0, context, response, NO_RESULTS)
        : continueWith(askLogin(login, context), () => askHooks(handshakes, 0, context, response, NO_RESULTS));
    return continueWith(asked, next);
  };
  return continueWith(checkOrigin(origin, names, context), () =>
    middleware.length === 0 ? decide() : runMiddleware(middleware, context, httpResponse(), decide),
  );
}

function askLogin(login: LoginHook, context: RequestContext): MaybePromise<void> {
  context.insistOnClient();
  return continueWith(
    askHook(() => login(context)),
    insistOnLogin,
  );
}

/**
 * Asks the hooks in their order until one refuses. The results of the last one come first, so that a hook in front of it
 * moves none of them.
 */
function askHooks(
  hooks: readonly HandshakeHook[],
  index: number,
  context: RequestContext,
  response: AcceptResponse,
  earlierResults: readonly unknown[],
): MaybePromise<HandshakeOutcome> {
  const hook = hooks[index];
  if (hook === undefined) return earlierResults.length === 0 ? ACCEPTED : { accepted: true, results: earlierResults };
  context.insistOnClient();
  const { expiresAt } = response;
  const decided = askHook(() => hook(context, response));
  return continueWith(decided, (decision) => {
    const outcome = readDecision(decision, response);
    if (!outcome.accepted) return outcome;
    response.expireBy(expiresAt);
    return askHooks(hooks, index + 1, context, response, join(outcome.results, earlierResults));
  });
}

function join(results: readonly unknown[], earlier: readonly unknown[]): readonly unknown[] {
  return earlier.length === 0 ? results : [...results, ...earlier];
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
