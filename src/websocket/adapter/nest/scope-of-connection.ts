import { ContextIdFactory, type ContextId } from '@nestjs/core';
import { Connection } from '../../connection/connection.js';
import { RequestContext } from '../../request/request-context.js';
import { requestContextKey } from './context-creators.js';

const REQUEST_CONTEXT_ID = requestContextKey();

/** The scope of a connection for Nest's injector: the same for its request, its context and itself. */
export function scopeOf({ raw }: RequestContext): ContextId {
  const contextId = ContextIdFactory.getByRequest(raw as never);
  if (!Object.hasOwn(raw, REQUEST_CONTEXT_ID)) {
    Reflect.defineProperty(raw, REQUEST_CONTEXT_ID, { value: contextId, configurable: true });
  }
  return contextId;
}

/**
 * `ContextIdFactory.getByRequest` of the application asks for this member. A connection that has nothing of request scope
 * gets its scope when it is first asked for.
 */
function lendScope<T extends object>(owner: { readonly prototype: T }, contextOf: (of: T) => RequestContext): void {
  Object.defineProperty(owner.prototype, REQUEST_CONTEXT_ID, {
    configurable: true,
    get(this: T): ContextId {
      return scopeOf(contextOf(this));
    },
  });
}

lendScope(RequestContext, (context) => context);
lendScope(Connection as { readonly prototype: Connection }, ({ context }) => context);
