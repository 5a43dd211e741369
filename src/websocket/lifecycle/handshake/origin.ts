import type { RequestContext } from '../../request/request-context.js';
import { isListedOrigin, normalizeOrigin } from '../../request/origin-text.js';
import type { PublicNames } from '../../request/public-names.js';
import { continueWith, type MaybePromise } from '../../async/maybe-promise.js';
import type { OriginOption } from '../../endpoint/endpoint.options.js';
import { quote } from '../../errors/describe-error.js';
import { ForeignOriginError, UpgradeRefusedError } from '../../errors/plack-websocket.error.js';

/**
 * Checks the `Origin` of an upgrade (RFC 6455 §10.2): without it any web page could open a connection with the cookies
 * of its visitor.
 *
 * @throws UpgradeRefusedError `forbidden origin`, with both sides of the comparison in its cause; what a function of the
 * application throws passes through.
 */
export function checkOrigin(policy: OriginOption, names: PublicNames, context: RequestContext): MaybePromise<void> {
  if (policy === '*') return;
  const { origin } = context;
  if (typeof policy === 'function') {
    return continueWith(policy(origin, context), (answer) => insist(answer, () => refusedByFunction(origin)));
  }
  if (origin === undefined) return;
  if (policy !== 'same-origin' && isListedOrigin(origin, policy)) return;
  const own = policy === 'same-origin' || policy.includes('same-origin') ? names.ownOrigins(context.clientSide) : [];
  insist(isOwn(origin, own), () => (policy === 'same-origin' ? notOwn(origin, own) : notListed(origin, policy)));
}

/** Only a clear yes lets in: what `indexOf` says of an origin that it did not find is truthy. */
function insist(allowed: unknown, why: () => ForeignOriginError): void {
  if (allowed !== true) throw new UpgradeRefusedError('forbidden origin', 'forbidden origin', { cause: why() });
}

/** Scheme, host and port are compared as a URL parser sees them. */
function isOwn(origin: string, own: readonly string[]): boolean {
  const normalized = normalizeOrigin(origin);
  return normalized !== undefined && own.includes(normalized);
}

function notOwn(origin: string, own: readonly string[]): ForeignOriginError {
  return new ForeignOriginError(
    origin,
    own,
    `The page's origin ${quote(origin)} is not ${own.join(' or ') || 'that of a usable Host'}, where the request went. ` +
      `If the page may connect, name it: origin: [${quote(origin)}]. If a proxy changed the host or the scheme, set trustProxy.`,
  );
}

function notListed(origin: string, allowed: readonly (string | RegExp)[]): ForeignOriginError {
  return new ForeignOriginError(
    origin,
    allowed,
    `The page's origin ${quote(origin)} is none of the option origin: ${allowed.map(String).join(', ')}.`,
  );
}

function refusedByFunction(origin: string | undefined): ForeignOriginError {
  return new ForeignOriginError(
    origin,
    [],
    `The function in the option origin did not answer true for ${origin === undefined ? 'a client without an origin' : quote(origin)}.`,
  );
}
