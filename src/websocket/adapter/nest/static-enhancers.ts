import type { CanActivate, Type } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { HandlerProvider } from '../../endpoint/pipeline/enhancers.js';
import type { ContextCreators } from './context-creators.js';
import { EXCEPTION_FILTERS_METADATA } from './filter-finder.js';
import { wrapperOf } from './instance-wrapper.js';

/** Where `@UseGuards` leaves its guards. */
const GUARDS_METADATA = '__guards__';

type HostModule = NonNullable<ReturnType<ModulesContainer['get']>>;

/** Tells which guards and filters of a class need nothing of request scope, before an instance of them is asked for. */
export class StaticEnhancers {
  constructor(
    private readonly creators: ContextCreators,
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
  ) {}

  /** The guards in front of the first one that is not a singleton. */
  guards(provider: HandlerProvider, method: string | undefined): readonly CanActivate[] {
    const [key, module] = this.#locate(provider);
    const head: unknown[] = [...this.config.getGlobalGuards()];
    // Global guards that are not singletons come before those of the class.
    if (this.config.getGlobalRequestGuards().length === 0) {
      for (const guard of boundTo(provider, method, GUARDS_METADATA)) {
        if (!isStatic(guard, module)) break;
        head.push(guard);
      }
    }
    const { guards, staticContext } = this.creators;
    guards.moduleContext = key;
    return guards.createConcreteContext<CanActivate>(head, staticContext, wrapperOf(provider).id);
  }

  /** No exception filter that may be asked in a handshake needs anything of request scope. */
  hasStaticFilters(provider: HandlerProvider, method: string | undefined): boolean {
    const [, module] = this.#locate(provider);
    return (
      this.config.getGlobalRequestFilters().every((wrapper) => wrapper.isDependencyTreeStatic()) &&
      boundTo(provider, method, EXCEPTION_FILTERS_METADATA).every((filter) => isStatic(filter, module))
    );
  }

  #locate(provider: HandlerProvider): [key: string | undefined, module: HostModule | undefined] {
    const { host } = wrapperOf(provider);
    return [...this.modules].find(([, module]) => module === host) ?? [undefined, undefined];
  }
}

/** A transient one may be another instance where the class has a scope, so it does not count. */
function isStatic(enhancer: unknown, module: HostModule | undefined): boolean {
  if (typeof enhancer !== 'function') return true;
  const wrapper = module?.injectables.get(enhancer as Type);
  return wrapper === undefined || (!wrapper.isTransient && wrapper.isDependencyTreeStatic());
}

/** What decorators have bound to the class, then to its method. */
function boundTo(provider: HandlerProvider, method: string | undefined, key: string): unknown[] {
  const { metatype } = provider.definition;
  const callback = method === undefined ? undefined : (metatype.prototype as Record<string, object>)[method];
  return [metatype, callback].flatMap((target) =>
    target === undefined ? [] : ((Reflect.getMetadata(key, target) as unknown[] | undefined) ?? []),
  );
}
