import type { MessageId } from '../../serializer/message-form.js';
import { Injectable, type CanActivate, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import { ApplicationConfig, ExternalContextCreator, ModulesContainer, type ContextId } from '@nestjs/core';
import type { ProviderWrapper } from '../../endpoint/definition/provider-wrapper.js';
import {
  EnhancerFinder,
  type ConnectionContextId,
  type Enhancers,
  type HandlerProvider,
  type StageType,
} from '../../endpoint/pipeline/enhancers.js';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { ContextCreators } from './context-creators.js';
import { EndpointExecutionContext } from './execution-context.js';
import { FilterFinder } from './filter-finder.js';
import { wrapperOf } from './instance-wrapper.js';
import { MessageContext } from './message-context.js';
import { StaticEnhancers } from './static-enhancers.js';

/** Finds enhancers with the creators Nest itself uses for controllers and gateways. */
@Injectable()
export class NestEnhancerFinder extends EnhancerFinder {
  readonly #creators: ContextCreators;
  readonly #filters: FilterFinder;
  readonly #statics: StaticEnhancers;

  constructor(
    private readonly modules: ModulesContainer,
    external: ExternalContextCreator,
    config: ApplicationConfig,
  ) {
    super();
    this.#creators = new ContextCreators(external, config);
    this.#filters = new FilterFinder(this.#creators, config);
    this.#statics = new StaticEnhancers(this.#creators, config, modules);
  }

  override find(provider: HandlerProvider, method: string | undefined, contextId?: ConnectionContextId): Enhancers {
    return this.#find(provider, provider.instance, method, contextId);
  }

  override findOwn(provider: HandlerProvider, method: string | undefined, contextId?: ConnectionContextId): Enhancers {
    const all = this.#find(provider, provider.instance, method, contextId);
    // What surrounds a method of an object without decorators is global, and it comes first.
    const global = this.#find(provider, {}, undefined, contextId);
    return {
      guards: all.guards.slice(global.guards.length),
      interceptors: all.interceptors.slice(global.interceptors.length),
      pipes: all.pipes.slice(global.pipes.length),
      filters: all.filters,
      globalFilters: [],
    };
  }

  override findFirstGuards(provider: HandlerProvider, method: string | undefined): readonly CanActivate[] {
    return this.#statics.guards(provider, method);
  }

  override hasStaticFilters(provider: HandlerProvider, method: string | undefined): boolean {
    return this.#statics.hasStaticFilters(provider, method);
  }

  #find(
    provider: HandlerProvider,
    instance: object,
    method: string | undefined,
    contextId: ConnectionContextId | undefined,
  ): Enhancers {
    const prototype = provider.definition.metatype.prototype as Record<string, () => unknown>;
    const callback = (method === undefined ? undefined : prototype[method]) ?? noMethod;
    const { key, wrapper, context } = this.#locate(provider, contextId);
    const args = [instance, callback, key, context, wrapper.id] as const;
    const { guards, interceptors, pipes } = this.#creators;
    return {
      guards: guards.create(...args),
      interceptors: interceptors.create(...args),
      pipes: pipes.create(...args),
      ...this.#filters.find(...args),
    };
  }

  override parameterPipes(
    provider: HandlerProvider,
    pipes: readonly unknown[],
    contextId?: ConnectionContextId,
  ): readonly PipeTransform[] {
    const { key, wrapper, context } = this.#locate(provider, contextId);
    const { pipes: creator } = this.#creators;
    creator.setModuleContext(key);
    return creator.createConcreteContext([...pipes], context, wrapper.id);
  }

  override createContext(
    type: StageType,
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
    messageId: MessageId | undefined,
  ): ExecutionContext {
    return type === 'ws'
      ? new MessageContext(args, metatype, handler, messageId)
      : new EndpointExecutionContext(type, args, metatype, handler);
  }

  #locate(
    provider: HandlerProvider,
    contextId: ConnectionContextId | undefined,
  ): { key: string; wrapper: ProviderWrapper; context: ContextId } {
    const wrapper = wrapperOf(provider);
    for (const [key, module] of this.modules) {
      if (module === wrapper.host) return { key, wrapper, context: contextId ?? this.#creators.staticContext };
    }
    throw new ConfigurationError(`${provider.definition.metatype.name} belongs to no module of this application.`);
  }
}

function noMethod(): void {}
