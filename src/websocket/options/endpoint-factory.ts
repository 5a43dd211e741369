import { ConfigurationError } from '../errors/plack-websocket.error.js';
import type { WsEndpointFactory, WsEndpointOptions } from '../endpoint/endpoint.options.js';
import type { HookResolver } from '../endpoint/hook-resolver.js';
import { suggest } from '../rules/nearest-name.js';
import { show } from '../rules/show-value.js';

/** What may be beside a factory: it has to be known before any provider is built. */
const BESIDE = ['useFactory', 'inject', 'parts', 'scope', 'durable'];

/** Those in the result of a factory come too late. */
const TOO_LATE = ['parts', 'scope', 'durable', 'useFactory', 'inject'] as const;

/** Tells whether the options of an endpoint come from a factory. */
export function isFactory(options: object): options is WsEndpointFactory {
  return 'useFactory' in options || 'inject' in options;
}

/**
 * Calls the factory of an endpoint with the providers that it asks for.
 * @param where begins the messages: `@WsEndpoint of RoomEndpoint`.
 * @throws ConfigurationError for a form that is not one of a factory, a provider that is missing, what the factory throws, and a result
 * that is not an object of options.
 */
export async function optionsOf(
  given: WsEndpointFactory,
  resolver: HookResolver,
  where: string,
): Promise<WsEndpointOptions> {
  const { useFactory, inject = [], parts, scope, durable } = given;
  for (const name of Object.keys(given)) {
    if (BESIDE.includes(name)) continue;
    const { nearest } = suggest(name, BESIDE);
    const meant = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    throw new ConfigurationError(
      `${where} has ${name} beside a factory.${meant} Options go into what useFactory gives; beside it are inject, parts, scope and durable.`,
    );
  }
  if (typeof useFactory !== 'function') {
    throw new ConfigurationError(
      `${where}: useFactory must be a function that gives options, not ${show(useFactory)}.`,
    );
  }
  if (!Array.isArray(inject)) {
    throw new ConfigurationError(`${where}: inject must be a list of providers, not ${show(inject)}.`);
  }
  const result: unknown = await resolver.make(useFactory, inject, where);
  const options = typeof result === 'string' ? { path: result } : result;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError(
      `${where}: useFactory gave ${show(result)}; it gives an object of options, or a path.`,
    );
  }
  const late = TOO_LATE.find((name) => name in options);
  if (late !== undefined) {
    throw new ConfigurationError(`${where}: ${late} has its place beside useFactory, not in what it gives.`);
  }
  return {
    ...options,
    ...(parts !== undefined && { parts }),
    ...(scope !== undefined && { scope }),
    ...(durable !== undefined && { durable }),
  };
}
