import type { Type } from '@nestjs/common';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { hasHandlers } from './endpoint-part.js';
import type { ProviderWrapper } from './provider-wrapper.js';

/**
 * Refuses endpoints and parts that a value or a factory gives in place of a class: Nest knows neither their enhancers nor their
 * scope then, so nothing could serve them.
 * @throws ConfigurationError with the remedy.
 */
export function refuseGivenInstances(providers: readonly ProviderWrapper[]): void {
  const built = new Set<unknown>();
  for (const wrapper of providers) if (!isGiven(wrapper) && hasHandlers(wrapper.metatype)) built.add(wrapper.instance);
  for (const wrapper of providers) {
    // A factory may hand on what is injected into it, as an alias does.
    if (!isGiven(wrapper) || built.has(wrapper.instance)) continue;
    const type = [wrapper.token, classOf(wrapper.instance)].find(hasHandlers);
    if (type !== undefined) throw givenInstance(type, wrapper);
  }
}

function isGiven({ isAlias, isNotMetatype }: ProviderWrapper): boolean {
  return isNotMetatype && !isAlias;
}

/** Anything can be provided, also what throws when it is looked at. */
function classOf(instance: unknown): unknown {
  if (typeof instance !== 'object' || instance === null) return undefined;
  try {
    return Reflect.getPrototypeOf(instance)?.constructor;
  } catch {
    return undefined;
  }
}

function givenInstance(type: Type, { host, metatype, token }: ProviderWrapper): ConfigurationError {
  const way = metatype === null ? 'a value (useValue)' : 'the result of a factory (useFactory)';
  const { name } = type;
  const provide = token === type ? name : JSON.stringify(String(token));
  return new ConfigurationError(
    `${name} is ${way} in ${host?.metatype?.name ?? 'a module'}. Nest finds guards, scope and the like of classes only, so it could ` +
      `not be served. Provide a class: ${name}, or { provide: ${provide}, useClass: … } with another one, as in a test; ` +
      'what a factory would pass can be injected into it.',
  );
}
