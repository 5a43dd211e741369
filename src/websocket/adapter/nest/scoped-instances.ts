import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ScopedInstances } from '../../endpoint/endpoint.js';
import type { ConnectionContextId, EndpointProvider, HandlerProvider } from '../../endpoint/pipeline/enhancers.js';
import type { RequestContext } from '../../request/request-context.js';
import { wrapperOf } from './instance-wrapper.js';
import { loadInScope } from './load-in-scope.js';
import { scopeOf } from './scope-of-connection.js';

/** Opens Nest's request scope for one connection: providers of request scope live as long as the connection. */
@Injectable()
export class NestScopedInstances extends ScopedInstances {
  constructor(private readonly moduleRef: ModuleRef) {
    super();
  }

  override open(provider: EndpointProvider, context: RequestContext): ConnectionContextId {
    const contextId = scopeOf(context);
    // A durable tree is shared between connections, so it must not see the request of one of them.
    const scoped = [provider, ...provider.parts].filter(({ isStatic }) => !isStatic);
    const durable = scoped.every((one) => wrapperOf(one).isDependencyTreeDurable());
    this.moduleRef.registerRequestByContextId(durable ? contextId.payload : context, contextId);
    return contextId;
  }

  override async load(provider: HandlerProvider, contextId: ConnectionContextId): Promise<object> {
    return loadInScope(this.moduleRef, wrapperOf(provider), provider.instance, contextId);
  }
}
