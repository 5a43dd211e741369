import type { CanActivate, ExecutionContext, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import type { EndpointDefinition } from './endpoint-definition.js';

/** Marks the life of one connection for Nest's injector: instances of request scope are kept under it. */
export interface ConnectionContextId {
  readonly id: number;
}

/** An exception filter and the exceptions it is for; an empty list means all. */
export interface BoundFilter {
  readonly func: (exception: unknown, host: ExecutionContext) => unknown;
  readonly exceptionMetatypes: readonly Type[];
}

/** Everything that surrounds one method, in the order it runs: global, class, method. */
export interface Enhancers {
  readonly guards: readonly CanActivate[];
  readonly interceptors: readonly NestInterceptor[];
  readonly pipes: readonly PipeTransform[];
  /** Method filters first, then those of the class. */
  readonly filters: readonly BoundFilter[];
  readonly globalFilters: readonly BoundFilter[];
}

/** An endpoint class as a provider of a module. */
export interface EndpointHost {
  readonly definition: EndpointDefinition;
  /** Name of the module that provides it, for messages. */
  readonly moduleName: string;
  /** The instance, or for endpoints of request scope the prototype that stands in for it. */
  readonly instance: object;
  /** Nothing in the tree of its dependencies and enhancers is of request scope. */
  readonly isStatic: boolean;
}

/** Which type of execution context a stage has: the handshake is an HTTP request, messages are not. */
export type StageType = 'http' | 'ws';

/**
 * Finds what Nest knows about a method. The port is declared here, where it is used; the implementation over Nest's
 * internals stands in `adapter/`.
 */
export abstract class EnhancerFinder {
  /** Finds the enhancers of a method; without a method those of the class and the global ones. */
  abstract find(
    host: EndpointHost,
    instance: object,
    method: string | undefined,
    contextId?: ConnectionContextId,
  ): Enhancers;
  /** Resolves pipes given to a parameter decorator, as classes or instances. */
  abstract parameterPipes(
    host: EndpointHost,
    pipes: readonly unknown[],
    contextId?: ConnectionContextId,
  ): readonly PipeTransform[];
  /** Makes the execution context that guards, interceptors, custom decorators and filters get. */
  abstract createContext(
    type: StageType,
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
  ): ExecutionContext;
}
