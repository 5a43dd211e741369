import type { ApplicationConfig, ContextId } from '@nestjs/core';
import type { BoundFilter, Enhancers } from '../../endpoint/pipeline/enhancers.js';
import type { ContextCreators, FilterCreator } from './context-creators.js';

/** Where `@UseFilters` leaves its filters. */
export const EXCEPTION_FILTERS_METADATA = '__exceptionFilters__';

/** A global filter that is not a singleton, as the application's configuration holds it. */
interface ScopedFilter {
  isDependencyTreeStatic(): boolean;
  getInstanceByContextId(contextId: ContextId, inquirerId: string): { readonly instance: unknown } | undefined;
}

/** Finds exception filters apart: those of method and class, and the global ones. */
export class FilterFinder {
  readonly #creator: FilterCreator;

  constructor(
    private readonly creators: ContextCreators,
    private readonly config: ApplicationConfig,
  ) {
    this.#creator = creators.filters;
    // Global filters are kept apart, so none are added to those of method and class.
    this.#creator.getGlobalMetadata = () => [];
  }

  find(
    instance: object,
    callback: (...args: never[]) => unknown,
    key: string,
    contextId: ContextId,
    inquirerId: string,
  ): Pick<Enhancers, 'filters' | 'globalFilters'> {
    const creator = this.#creator;
    creator.moduleContext = key;
    const own = creator.createContext(instance, callback, EXCEPTION_FILTERS_METADATA, contextId, inquirerId);
    const scoped = this.#scoped(contextId, inquirerId);
    const global = creator.createConcreteContext([...this.config.getGlobalFilters(), ...scoped], contextId, inquirerId);
    // The nearest decides: method before class, the last global one before the first.
    return { filters: toBound(own).reverse(), globalFilters: toBound(global).reverse() };
  }

  /** Those of the application that are not singletons. */
  #scoped(contextId: ContextId, inquirerId: string): unknown[] {
    const isStatic = contextId === this.creators.staticContext;
    const wrappers = this.config.getGlobalRequestFilters() as unknown as ScopedFilter[];
    return (
      wrappers
        // Outside of a scope there is one of those that are transient alone.
        .filter((wrapper) => !isStatic || wrapper.isDependencyTreeStatic())
        .map((wrapper) => {
          const context = this.#creator.getContextId(contextId, wrapper);
          return wrapper.getInstanceByContextId(context, inquirerId)?.instance;
        })
        .filter((filter) => filter !== undefined)
    );
  }
}

function toBound(filters: readonly unknown[]): BoundFilter[] {
  return [...(filters as readonly BoundFilter[])];
}
