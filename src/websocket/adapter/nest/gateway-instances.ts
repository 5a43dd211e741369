import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { requestContextKey } from './context-creators.js';
import type { DiscoveredGateway } from './gateway-discovery.js';
import { loadInScope } from './load-in-scope.js';

const REQUEST_CONTEXT_ID = requestContextKey();

/**
 * The instances that Nest makes of gateways of request scope, one for each client. Nest makes one inside a promise that
 * nothing waits for, so what it throws then ends the process; made here before, it is the one that Nest finds.
 */
@Injectable()
export class GatewayInstances {
  constructor(private readonly moduleRef: ModuleRef) {}

  /** The instance for a client; rejects with what its constructor or a provider of it throws. */
  async load({ wrapper, instance }: DiscoveredGateway, client: object): Promise<object> {
    const contextId = ContextIdFactory.getByRequest(client);
    if (!Object.hasOwn(client, REQUEST_CONTEXT_ID)) {
      // As Nest does it, which finds the scope again by this.
      Reflect.defineProperty(client, REQUEST_CONTEXT_ID, { value: contextId, configurable: true });
      const { payload } = contextId as { readonly payload?: object };
      const durable = wrapper.isDependencyTreeDurable();
      this.moduleRef.registerRequestByContextId(durable ? payload : Object.assign(client, payload), contextId);
    }
    return loadInScope(this.moduleRef, wrapper, instance, contextId);
  }
}
