import { Injectable, Scope } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { defineEndpoint, isEndpoint } from './endpoint-definition.js';
import type { EndpointHost } from './enhancers.js';

/** A provider as Nest's container holds it. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** An endpoint together with the provider that Nest made of it. */
export interface DiscoveredEndpoint extends EndpointHost {
  readonly wrapper: ProviderWrapper;
}

/** Finds the endpoint classes among the providers of the application. */
@Injectable()
export class EndpointExplorer {
  constructor(private readonly discovery: DiscoveryService) {}

  /** @throws ConfigurationError for a class that two modules provide, or of transient scope. */
  explore(): DiscoveredEndpoint[] {
    const found = new Map<unknown, DiscoveredEndpoint>();
    for (const wrapper of this.discovery.getProviders()) {
      const { metatype } = wrapper;
      // An alias (`useExisting`) and the result of a factory are other names for something that is found by itself.
      if (wrapper.isAlias || wrapper.isNotMetatype || !isEndpoint(metatype)) continue;
      const moduleName = wrapper.host?.metatype?.name ?? 'a module';
      const other = found.get(metatype);
      if (other !== undefined) {
        throw new ConfigurationError(
          `${metatype.name} is provided by ${other.moduleName} and by ${moduleName}, so it would serve its path twice. ` +
            'Provide it in one module and import that module where it is injected.',
        );
      }
      if (wrapper.scope === Scope.TRANSIENT) {
        throw new ConfigurationError(
          `${metatype.name} has transient scope, which means nothing for an endpoint. ` +
            'Use Scope.REQUEST for one instance per connection, or the default scope.',
        );
      }
      found.set(metatype, {
        definition: defineEndpoint(metatype),
        moduleName,
        instance: (wrapper.instance ?? metatype.prototype) as object,
        isStatic: wrapper.isDependencyTreeStatic(),
        wrapper,
      });
    }
    return [...found.values()];
  }
}
