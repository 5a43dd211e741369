import type { Type } from '@nestjs/common';
import type { EndpointKey } from '../backplane/audience-address.js';
import { Endpoint, type ServedEndpoint } from '../endpoint/endpoint.js';

/** What endpoints are called on every node: by their decorators, since a node may serve them under another prefix. */
export function keysOf(targets: readonly ServedEndpoint[]): ReadonlyMap<Type, EndpointKey> {
  return new Map(targets.map((target) => [target.metatype, keyOf(target)]));
}

function keyOf(target: ServedEndpoint): EndpointKey {
  if (!(target instanceof Endpoint)) return { path: toKey(target.pattern.source) };
  const { path = '', host, protocols = [] } = target.provider.definition.options;
  return { path: toKey(path), host: JSON.stringify(host ?? null), protocols: JSON.stringify(protocols) };
}

/** The path of a decorator, without the slashes that may be written or left out. */
function toKey(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}
