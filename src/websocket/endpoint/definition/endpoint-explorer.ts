import { Injectable, Scope, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { refuseMissingMetadata } from './application-metadata.js';
import { defineEndpoint, defineHandlers, isEndpoint, type HandlerDefinition } from './endpoint-definition.js';
import { hasHandlers, isPart } from './endpoint-part.js';
import { refuseGivenInstances } from './given-instances.js';
import { ENDPOINT_METADATA } from './metadata-keys.js';
import { PartsOfEndpoints, type ProvidedClass } from './parts-of-endpoints.js';
import type { ProviderWrapper } from './provider-wrapper.js';
import { UnservedEndpoints } from './unserved-endpoints.js';
import { insistOnHandlers, refuseLostDecorators, refuseSubscriptions } from './ignored-methods.js';
import type { EndpointProvider, HandlerProvider } from '../pipeline/enhancers.js';

/** A class with handlers together with the provider that Nest made of it. */
export interface DiscoveredClass extends HandlerProvider {
  readonly wrapper: ProviderWrapper;
}

/** An endpoint class with the provider that Nest made of it. */
export type DiscoveredEndpoint = DiscoveredClass & EndpointProvider;

const NO_NEWS: readonly string[] = [];

/** Finds the endpoint classes and their parts among the providers of the application. */
@Injectable()
export class EndpointExplorer {
  readonly #unserved = new UnservedEndpoints();
  #served: ReadonlySet<unknown> = new Set();
  #alone: ReadonlyMap<Type, string> = new Map();

  constructor(private readonly discovery: DiscoveryService) {}

  /** @throws ConfigurationError for a class that two modules provide, of transient scope, or with methods that nothing would call. */
  explore(): DiscoveredEndpoint[] {
    const provided = this.#provided();
    const parts = provided.filter(({ metatype }) => isPart(metatype)).map(discoverPart);
    const endpoints = provided.filter(({ metatype }) => isEndpoint(metatype));
    const belonging = new PartsOfEndpoints(endpoints, parts);
    const found = endpoints.map(({ metatype, wrapper }) => {
      const own = belonging.of(metatype);
      const definition = defineEndpoint(
        metatype,
        own.map((part) => part.definition),
      );
      insistOnHandlers(definition, definition.parts);
      for (const part of own) refuseMissingMetadata(metatype, part.metatype);
      return { ...discover(definition, wrapper), definition, parts: own };
    });
    this.#alone = belonging.alone;
    this.#served = new Set(provided.map(({ metatype }) => metatype));
    for (const { metatype } of endpoints) refuseInheritedPath(metatype, this.#served);
    return found;
  }

  /** Says of each class that `explore` did not find, or found alone, why nothing serves it; each is told once. */
  reportUnserved(): string[] {
    const alone = [...this.#alone.values()];
    this.#alone = new Map();
    return [...alone, ...this.#unserved.report(this.discovery.getProviders(), this.#served)];
  }

  /** As `reportUnserved`, for a client that comes; costs nothing where no class has been added since. */
  reportNewlyUnserved(): readonly string[] {
    return this.#unserved.isNewsPossible ? this.reportUnserved() : NO_NEWS;
  }

  #provided(): ProvidedClass[] {
    const found = new Map<Type, ProviderWrapper>();
    const providers = this.discovery.getProviders();
    refuseGivenInstances(providers);
    for (const wrapper of providers) {
      const { metatype } = wrapper;
      // An alias (`useExisting`) is another name for something that is found by itself.
      if (wrapper.isAlias || wrapper.isNotMetatype || !hasHandlers(metatype)) continue;
      const other = found.get(metatype);
      if (other !== undefined) {
        // One module class that is imported with several options, such as by `forFeature`.
        if (isPart(metatype) && other.host?.metatype === wrapper.host?.metatype) continue;
        throw new ConfigurationError(
          `${metatype.name} is provided by ${moduleNameOf(other)} and by ${moduleNameOf(wrapper)}, ` +
            `so it would serve ${isPart(metatype) ? 'its events' : 'its path'} twice. ` +
            'Provide it in one module and import that module where it is injected.',
        );
      }
      refuseUnusable(metatype, wrapper);
      found.set(metatype, wrapper);
    }
    return [...found].map(([metatype, wrapper]) => ({ metatype, wrapper }));
  }
}

function refuseUnusable(metatype: Type, { scope }: ProviderWrapper): void {
  const { name } = metatype;
  if (isEndpoint(metatype) && isPart(metatype)) {
    throw new ConfigurationError(
      `${name} is an endpoint and a part of one, by @WsEndpoint and @WsEndpointPart, its own or those of a base. ` +
        'Make two classes of it.',
    );
  }
  if (scope === Scope.TRANSIENT) {
    throw new ConfigurationError(
      `${name} has transient scope, which means nothing for an endpoint. ` +
        'Use Scope.REQUEST for one instance per connection, or the default scope.',
    );
  }
  refuseLostDecorators(metatype);
  refuseSubscriptions(metatype);
}

/** A subclass that only inherits the decorator would serve the path of its base a second time. */
function refuseInheritedPath(metatype: Type, found: ReadonlySet<unknown>): void {
  if (Reflect.hasOwnMetadata(ENDPOINT_METADATA, metatype)) return;
  let base = Object.getPrototypeOf(metatype) as Type;
  while (!found.has(base)) {
    if (Reflect.hasOwnMetadata(ENDPOINT_METADATA, base)) return;
    base = Object.getPrototypeOf(base) as Type;
  }
  const { name } = metatype;
  throw new ConfigurationError(
    `${name} inherits @WsEndpoint of ${base.name}, and both are provided, so both would serve one path. ` +
      `Provide one of them ({ provide: ${base.name}, useClass: ${name} }), or give ${name} a @WsEndpoint with a path of its own.`,
  );
}

function discoverPart({ metatype, wrapper }: ProvidedClass): ProvidedClass & DiscoveredClass {
  const definition = defineHandlers(metatype);
  insistOnHandlers(definition);
  return { metatype, ...discover(definition, wrapper) };
}

function discover(definition: HandlerDefinition, wrapper: ProviderWrapper): DiscoveredClass {
  return {
    definition,
    token: wrapper.token,
    moduleName: moduleNameOf(wrapper),
    instance: (wrapper.instance ?? definition.metatype.prototype) as object,
    isStatic: wrapper.isDependencyTreeStatic(),
    wrapper,
  };
}

function moduleNameOf({ host }: ProviderWrapper): string {
  return host?.metatype?.name ?? 'a module';
}
