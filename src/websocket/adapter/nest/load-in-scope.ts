import type { ContextId, ModuleRef } from '@nestjs/core';
import type { ProviderWrapper } from '../../endpoint/definition/provider-wrapper.js';

/** Nest's injector, as far as it is used here; a `ModuleRef` holds one. */
interface Injector {
  loadPerContext(
    instance: object,
    module: unknown,
    providers: unknown,
    contextId: ContextId,
    wrapper: unknown,
  ): Promise<object>;
}

/** Builds the instance of a provider for one scope, with everything it needs; within that scope it is always the same. */
export function loadInScope(
  moduleRef: ModuleRef,
  wrapper: ProviderWrapper,
  instance: object,
  contextId: ContextId,
): Promise<object> {
  const module = wrapper.host as { readonly providers: unknown };
  // The injector of a module reference applies the `instrument` option of the application.
  const { injector } = moduleRef as unknown as { injector: Injector };
  return injector.loadPerContext(instance, module, module.providers, contextId, wrapper);
}
