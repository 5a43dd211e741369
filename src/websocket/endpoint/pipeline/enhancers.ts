import type { CanActivate, ExecutionContext, NestInterceptor, PipeTransform, Type } from '@nestjs/common';
import type { MessageId } from '../../serializer/message-form.js';
import type { EndpointDefinition, HandlerDefinition } from '../definition/endpoint-definition.js';

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

/** A class with handlers as a provider of a module: an endpoint, or a part of one. */
export interface HandlerProvider {
  readonly definition: HandlerDefinition;
  /** What it is injected by: the class itself, or the one that it replaces. */
  readonly token: unknown;
  /** Name of the module that provides it, for messages. */
  readonly moduleName: string;
  /** The instance, or its prototype for a class of request scope. */
  readonly instance: object;
  /** Nothing in the tree of its dependencies and enhancers is of request scope. */
  readonly isStatic: boolean;
}

/** An endpoint class with the classes that are parts of it. */
export interface EndpointProvider extends HandlerProvider {
  readonly definition: EndpointDefinition;
  readonly parts: readonly HandlerProvider[];
}

/** Which type of execution context a stage has: the handshake is an HTTP request, messages are not. */
export type StageType = 'http' | 'ws';

/**
 * Finds what Nest knows about a method. The port is declared here, where it is used; the implementation over Nest's
 * internals is in `adapter/`.
 */
export abstract class EnhancerFinder {
  /** Finds the enhancers of a method; without a method those of the class and the global ones. */
  abstract find(provider: HandlerProvider, method: string | undefined, contextId?: ConnectionContextId): Enhancers;
  /** As `find`, without the global ones. */
  abstract findOwn(provider: HandlerProvider, method: string | undefined, contextId?: ConnectionContextId): Enhancers;
  /** Finds the guards at the head of the list that need nothing of request scope. */
  abstract findFirstGuards(provider: HandlerProvider, method: string | undefined): readonly CanActivate[];
  /** Tells whether no exception filter of a method, its class or the application needs anything of request scope. */
  abstract hasStaticFilters(provider: HandlerProvider, method: string | undefined): boolean;
  /** Resolves pipes given to a parameter decorator, as classes or instances. */
  abstract parameterPipes(
    provider: HandlerProvider,
    pipes: readonly unknown[],
    contextId?: ConnectionContextId,
  ): readonly PipeTransform[];
  /** Makes the execution context that guards, interceptors, custom decorators and filters get. */
  abstract createContext(
    type: StageType,
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
    messageId: MessageId | undefined,
  ): ExecutionContext;
}
