import type { IncomingMessage } from 'node:http';
import { quote } from '../../errors/describe-error.js';
import type { ServedEndpoint } from '../../endpoint/endpoint.js';
import { MissingSubprotocolError, UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { splitTokenList } from '../../protocol/header.js';
import type { ClientSide, ProxyTrust } from '../../request/proxy-trust.js';
import type { PathParams } from '../../routing/path-pattern.js';
import type { Route, RouteMatch } from '../../routing/path-router.js';

/** The endpoint that a request is for, of those on its path. */
export interface ChosenEndpoint {
  readonly target: ServedEndpoint;
  readonly params: PathParams;
}

/** Tells whether two endpoints on one path never serve the same request, by their `host` or their `protocols`. */
export function areApart({ settings: one }: ServedEndpoint, { settings: other }: ServedEndpoint): boolean {
  if (one.host === undefined || other.host === undefined) {
    if (one.host !== other.host) return true;
  } else if (!one.host.overlaps(other.host)) {
    return true;
  }
  // One without subprotocols takes what the other does not.
  if (one.protocols.length === 0 || other.protocols.length === 0)
    return one.protocols.length !== other.protocols.length;
  return !one.protocols.some((protocol) => other.protocols.includes(protocol));
}

/** Tells whether the path alone does not decide for an endpoint. */
export function hasRules({ settings }: ServedEndpoint): boolean {
  return settings.host !== undefined || settings.isProtocolRequired;
}

/**
 * Chooses among the endpoints of a path: those for the host of the request before those for any, then the one that speaks the
 * subprotocol which the client prefers, else one without subprotocols.
 *
 * @returns `undefined` where the path is served for other hosts only.
 * @throws UpgradeRefusedError `invalid request` where a subprotocol decides, or has to be, and the client offers none of them.
 */
export function chooseEndpoint(
  match: RouteMatch<ServedEndpoint>,
  path: string,
  request: IncomingMessage,
  proxies: ProxyTrust,
): ChosenEndpoint | undefined {
  const sharing = ofHost(match.rivals ?? [{ target: match.target, pattern: match.target.pattern }], request, proxies);
  if (sharing.length === 0) return undefined;
  const { target, pattern } =
    sharing.length === 1 ? (sharing[0] as Route<ServedEndpoint>) : byProtocol(sharing, request);
  if (target.settings.isProtocolRequired) insistOnProtocol([target], request);
  return target === match.target ? match : { target, params: pattern.match(path) ?? match.params };
}

/** Tells whether a path is served for the host of a request. */
export function isServed(match: RouteMatch<ServedEndpoint>, request: IncomingMessage, proxies: ProxyTrust): boolean {
  return ofHost(match.rivals ?? [{ target: match.target, pattern: match.target.pattern }], request, proxies).length > 0;
}

function ofHost(
  routes: readonly Route<ServedEndpoint>[],
  request: IncomingMessage,
  proxies: ProxyTrust,
): readonly Route<ServedEndpoint>[] {
  if (routes.every(({ target }) => target.settings.host === undefined)) return routes;
  const client: ClientSide = proxies.read(request);
  const named = routes.filter(({ target }) => target.settings.host?.has(client) === true);
  return named.length > 0 ? named : routes.filter(({ target }) => target.settings.host === undefined);
}

function byProtocol(routes: readonly Route<ServedEndpoint>[], request: IncomingMessage): Route<ServedEndpoint> {
  for (const protocol of offeredBy(request)) {
    const route = routes.find(({ target }) => target.settings.protocols.includes(protocol));
    if (route !== undefined) return route;
  }
  const fallback = routes.find(({ target }) => target.settings.protocols.length === 0);
  if (fallback !== undefined) return fallback;
  throw missingProtocol(
    routes.map(({ target }) => target),
    request,
  );
}

function insistOnProtocol(targets: readonly ServedEndpoint[], request: IncomingMessage): void {
  const offered = offeredBy(request);
  if (targets.some(({ settings }) => settings.protocols.some((protocol) => offered.includes(protocol)))) return;
  throw missingProtocol(targets, request);
}

function missingProtocol(targets: readonly ServedEndpoint[], request: IncomingMessage): UpgradeRefusedError {
  const spoken = targets.flatMap(({ settings }) => settings.protocols);
  const offered = offeredBy(request);
  const names = targets.map(({ name }) => name).join(' and ');
  const offer = offered.length === 0 ? 'none' : offered.map(quote).join(', ');
  const cause = new MissingSubprotocolError(
    offered,
    spoken,
    `One of the subprotocols of ${names} is needed: ${spoken.join(', ')}. The client offers ${offer}.`,
  );
  return new UpgradeRefusedError(
    'invalid request',
    'invalid request: none of the offered subprotocols is spoken here',
    {
      cause,
    },
  );
}

function offeredBy({ headers }: IncomingMessage): readonly string[] {
  return splitTokenList(headers['sec-websocket-protocol']);
}
