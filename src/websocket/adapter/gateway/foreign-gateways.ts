import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import type { ServedEndpoint } from '../../endpoint/endpoint.js';
import { joinPath } from '../../routing/path-pattern.js';
import type { PathRouter } from '../../routing/path-router.js';
import type { DiscoveredGateway } from '../nest/gateway-discovery.js';

/** @throws ConfigurationError where another adapter than ours serves the gateways that are meant to be ours. */
export function insistOnOurAdapter(adapter: unknown, ours: unknown): void {
  if (adapter === ours) return;
  throw new ConfigurationError(
    `PlackWebSocketModule.forRoot has gateways: true, but app.useWebSocketAdapter(${nameOf(adapter)}) has put another adapter ` +
      'in its place: the gateways would run without the handshake, the origin check and the limits of the module. Remove ' +
      'that call, or gateways: true.',
  );
}

/**
 * Looks for gateways of another adapter that an endpoint keeps every client from.
 * @throws ConfigurationError with both names.
 */
export function insistOnOtherPaths(
  gateways: readonly DiscoveredGateway[],
  adapter: unknown,
  endpoints: PathRouter<ServedEndpoint>,
): void {
  for (const { metatype, port, path } of gateways) {
    const served = port === 0 ? servedPath(path, adapter) : undefined;
    const endpoint = served === undefined ? undefined : endpoints.find(served)?.target;
    // An endpoint of one host leaves the others to the gateway.
    if (endpoint === undefined || endpoint.settings.host !== undefined) continue;
    throw new ConfigurationError(
      `The gateway ${metatype.name} and the endpoint ${endpoint.name} have the same path, ${served}: clients would reach the ` +
        'endpoint only. Give one of them another path.',
    );
  }
}

/** The adapter of socket.io has a path of its own where a gateway names none; that of `ws` serves the root then. */
function servedPath(path: unknown, adapter: unknown): string | undefined {
  if (typeof path === 'string') return joinPath(path);
  const isSocketIo = typeof adapter === 'object' && adapter !== null && 'createIOServer' in adapter;
  return isSocketIo ? undefined : '/';
}

function nameOf(adapter: unknown): string {
  const name = (adapter as { constructor?: { name?: unknown } } | null | undefined)?.constructor?.name;
  return typeof name === 'string' ? `new ${name}(…)` : '…';
}
