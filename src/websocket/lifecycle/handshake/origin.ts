import type { RequestContext } from '../../connection/request-context.js';
import { chain, type MaybePromise } from '../../connection/settle.js';
import type { OriginOption } from '../../endpoint/endpoint.options.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';

/**
 * Checks the `Origin` of an upgrade (RFC 6455 §10.2): without it any web page could open a connection with the cookies
 * of its visitor.
 *
 * @throws UpgradeRefusedError `forbidden origin`; what a function of the application throws passes through.
 */
export function checkOrigin(policy: OriginOption, context: RequestContext): MaybePromise<void> {
  if (policy === '*') return;
  const { origin } = context;
  if (typeof policy === 'function') return chain(policy(origin, context), insist);
  if (origin === undefined) return;
  insist(policy === 'same-origin' ? isSameOrigin(origin, context) : isListed(origin, policy));
}

function insist(allowed: boolean): void {
  if (!allowed) throw new UpgradeRefusedError('forbidden origin');
}

/** Scheme, host and port are compared as a URL parser sees them: case, default ports and IPv6 forms do not matter. */
function isSameOrigin(origin: string, context: RequestContext): boolean {
  const own =
    context.host === undefined ? undefined : normalize(`${context.secure ? 'https' : 'http'}://${context.host}`);
  return own !== undefined && normalize(origin) === own;
}

function isListed(origin: string, allowed: readonly (string | RegExp)[]): boolean {
  const normalized = normalize(origin);
  // `null` stands for every sandboxed page and local file; it can only be allowed by name.
  if (normalized === undefined) return allowed.includes(origin);
  return allowed.some((entry) =>
    typeof entry === 'string' ? normalize(entry) === normalized : test(entry, normalized),
  );
}

/** A pattern with the `g` or `y` flag remembers where it stopped; it must not. */
function test(pattern: RegExp, origin: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(origin);
}

function normalize(origin: string): string | undefined {
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    return undefined;
  }
  // An origin is scheme, host and port (RFC 6454 §7); anything more is not what a browser sends.
  if (!/^(https?|wss?):$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '')
    return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  return url.origin;
}
