import type { PipeTransform } from '@nestjs/common';
import { ContextIdFactory, type ApplicationConfig, type ContextId, type ExternalContextCreator } from '@nestjs/core';

type Method = (...args: never[]) => unknown;

/** Nest's creator of guards or interceptors, as far as it is used here. */
export interface EnhancerCreator {
  create<T>(instance: object, method: Method, module: string, contextId: ContextId, inquirerId: string): T[];
}

/** Nest's creator of guards; it makes some of them alone as well. */
export interface GuardCreator extends EnhancerCreator {
  moduleContext: string | undefined;
  createConcreteContext<T>(guards: readonly unknown[], contextId: ContextId, inquirerId: string): T[];
}

/** Nest's creator of pipes; it makes those of single parameters as well. */
export interface PipeCreator extends EnhancerCreator {
  setModuleContext(module: string): void;
  createConcreteContext(pipes: readonly unknown[], contextId: ContextId, inquirerId: string): PipeTransform[];
}

/** Nest's creator of exception filters. */
export interface FilterCreator {
  moduleContext: string;
  /** The context that a provider lives in: for durable ones it is shared. */
  getContextId(contextId: ContextId, wrapper: unknown): ContextId;
  /** The global filters that `createContext` begins with. */
  getGlobalMetadata(contextId?: ContextId, inquirerId?: string): unknown[];
  createContext(instance: object, method: Method, key: string, contextId: ContextId, inquirerId: string): unknown[];
  createConcreteContext(filters: readonly unknown[], contextId: ContextId, inquirerId: string): unknown[];
}

type Creating<T> = new (container: unknown, config: ApplicationConfig) => T;

/** The private fields of `ExternalContextCreator` that this library reads. */
interface CreatorFields {
  readonly container: unknown;
  readonly guardsContextCreator: GuardCreator;
  readonly interceptorsContextCreator: EnhancerCreator;
  readonly pipesContextCreator: PipeCreator;
  readonly filtersContextCreator: FilterCreator;
}

/**
 * The creators that Nest itself uses for controllers and gateways. Nest exports none of them: 12 keeps them under a path
 * of its own, 10 and 11 under others. `ExternalContextCreator`, which is public in all three, holds one of each kind.
 *
 * A creator remembers the module it works for, so ours are instances of our own.
 */
export class ContextCreators {
  readonly guards: GuardCreator;
  readonly interceptors: EnhancerCreator;
  readonly pipes: PipeCreator;
  readonly filters: FilterCreator;
  /** What Nest keeps the instances of singletons under. */
  readonly staticContext: ContextId;

  constructor(external: ExternalContextCreator, config: ApplicationConfig) {
    const fields = external as unknown as CreatorFields;
    const another = <T extends object>(creator: T): T =>
      new (creator.constructor as Creating<T>)(fields.container, config);
    this.guards = another(fields.guardsContextCreator);
    this.interceptors = another(fields.interceptorsContextCreator);
    this.pipes = another(fields.pipesContextCreator);
    this.filters = another(fields.filtersContextCreator);
    this.staticContext = staticContextOf(another(fields.guardsContextCreator));
  }
}

/** The context that a creator falls back to when it is given none. */
function staticContextOf(creator: EnhancerCreator): ContextId {
  const contexts: ContextId[] = [];
  const spied = Object.assign(creator, {
    createContext: (_instance: object, _method: Method, _key: string, contextId: ContextId): [] => {
      contexts.push(contextId);
      return [];
    },
  }) as unknown as { create(instance: object, method: Method, module: string): unknown };
  spied.create({}, () => undefined, '');
  const [context] = contexts;
  if (context === undefined) throw new TypeError('The context creators of Nest have no context for singletons.');
  return context;
}

/** The key under which `ContextIdFactory` looks for the scope of a request. */
export function requestContextKey(): symbol {
  const keys: (string | symbol)[] = [];
  // What is found under the key is the answer, so a strategy of the application is not asked.
  const request = new Proxy({}, { get: (_target, name) => keys.push(name) });
  ContextIdFactory.getByRequest(request, []);
  const [key] = keys;
  if (typeof key !== 'symbol')
    throw new TypeError('ContextIdFactory of Nest does not look for the scope of a request.');
  return key;
}
