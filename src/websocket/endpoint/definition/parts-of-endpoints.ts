import type { Type } from '@nestjs/common';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import type { WsEndpointOptions } from '../endpoint.options.js';
import { isEndpoint } from './endpoint-definition.js';
import { endpointsOf, partsOf } from './endpoint-part.js';
import { ENDPOINT_METADATA } from './metadata-keys.js';
import type { ProviderWrapper } from './provider-wrapper.js';

/** A class that a module provides. */
export interface ProvidedClass {
  readonly metatype: Type;
  readonly wrapper: ProviderWrapper;
}

/**
 * Which parts belong to which endpoint of one application, by what either side names. A subclass of a class that is named
 * counts, and so does the class that a provider puts in its place.
 */
export class PartsOfEndpoints<Part extends ProvidedClass> {
  readonly #parts = new Map<Type, readonly Part[]>();
  /** Parts that belong to no endpoint of the application, and why. */
  readonly alone = new Map<Type, string>();

  /** @throws ConfigurationError where a class is named that cannot be what it is named for. */
  constructor(endpoints: readonly ProvidedClass[], parts: readonly Part[]) {
    const named = parts.map((part) => ({ part, endpoints: endpointsOf(part.metatype) }));
    for (const endpoint of endpoints) {
      const byEndpoint = namedBy(endpoint);
      for (const type of byEndpoint) insistOnPart(endpoint.metatype, type, parts);
      const own = named.filter(
        (one) =>
          one.endpoints.some((type) => isMeantBy(type, endpoint)) ||
          byEndpoint.some((type) => isMeantBy(type, one.part)),
      );
      const found = own.map(({ part }) => part);
      this.#parts.set(endpoint.metatype, found);
    }
    const taken = new Set([...this.#parts.values()].flat());
    for (const one of named) {
      for (const type of one.endpoints) insistOnEndpoint(one.part.metatype, type, endpoints);
      if (!taken.has(one.part)) this.alone.set(one.part.metatype, explainAlone(one.part.metatype, one.endpoints));
    }
  }

  of(endpoint: Type): readonly Part[] {
    return this.#parts.get(endpoint) ?? [];
  }
}

function namedBy({ metatype }: ProvidedClass): readonly Type[] {
  return partsOf(metatype, (Reflect.getMetadata(ENDPOINT_METADATA, metatype) as WsEndpointOptions).parts);
}

function isMeantBy(type: Type, { metatype, wrapper }: ProvidedClass): boolean {
  return metatype === type || metatype.prototype instanceof type || wrapper.token === type;
}

function insistOnPart(endpoint: Type, type: Type, parts: readonly ProvidedClass[]): void {
  if (parts.some((part) => isMeantBy(type, part))) return;
  throw new ConfigurationError(
    `${endpoint.name} has ${type.name} in its parts, and no module provides it. ` +
      'Add it to the providers of a module that the application imports.',
  );
}

/** A base class need not be an endpoint itself. */
function insistOnEndpoint(part: Type, type: Type, endpoints: readonly ProvidedClass[]): void {
  const { name } = type;
  if (isEndpoint(type) || endpoints.some((endpoint) => isMeantBy(type, endpoint))) return;
  throw new ConfigurationError(
    `${part.name} is a part of ${name}, which is not an endpoint. Decorate ${name} with @WsEndpoint, or name another class.`,
  );
}

function explainAlone(part: Type, endpoints: readonly Type[]): string {
  if (endpoints.length === 0) {
    return (
      `${part.name} is not served: its @WsEndpointPart() names no endpoint, and no endpoint has it in its option parts. ` +
      'Name one: @WsEndpointPart(RoomEndpoint).'
    );
  }
  const names = endpoints.map(({ name }) => name).join(' or ');
  return (
    `${part.name} is not served: it is a part of ${names}, which no module provides. ` +
    'Add the endpoint to the providers of a module that the application imports.'
  );
}
