import type { CanActivate, ExecutionContext, PipeTransform, Type } from '@nestjs/common';
import { EndpointExecutionContext } from '../../src/websocket/adapter/nest/execution-context.js';
import { defineEndpoint } from '../../src/websocket/endpoint/definition/endpoint-definition.js';
import { compileEndpoint } from '../../src/websocket/endpoint/pipeline/compiled-endpoint.js';
import type { EndpointHandlers } from '../../src/websocket/endpoint/pipeline/endpoint-handlers.js';
import {
  EnhancerFinder,
  type EndpointProvider,
  type Enhancers,
  type HandlerProvider,
  type StageType,
} from '../../src/websocket/endpoint/pipeline/enhancers.js';

/** The port to Nest without Nest: every method has the same enhancers, and what was asked for is counted. */
export class FixedEnhancers extends EnhancerFinder {
  /** Execution contexts that were made. */
  contexts = 0;
  /** Methods whose enhancers were looked for. */
  searches = 0;

  constructor(private readonly enhancers: Partial<Enhancers> = {}) {
    super();
  }

  override find(): Enhancers {
    this.searches++;
    return { guards: [], interceptors: [], pipes: [], filters: [], globalFilters: [], ...this.enhancers };
  }

  override findOwn(): Enhancers {
    return this.find();
  }

  override findFirstGuards(): readonly CanActivate[] {
    return [];
  }

  override hasStaticFilters(): boolean {
    return true;
  }

  override parameterPipes(_provider: HandlerProvider, pipes: readonly unknown[]): readonly PipeTransform[] {
    return pipes as readonly PipeTransform[];
  }

  override createContext(
    type: StageType,
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
  ): ExecutionContext {
    this.contexts++;
    return new EndpointExecutionContext(type, args, metatype, handler);
  }
}

/** An endpoint class as if a module provided it. */
export function providerOf(metatype: Type, isStatic = true): EndpointProvider {
  const instance = new metatype() as object;
  const definition = defineEndpoint(metatype);
  return { definition, token: metatype, moduleName: 'AppModule', instance, isStatic, parts: [] };
}

/** The handlers of an endpoint class, and the port that found their enhancers. */
export function compile(
  metatype: Type,
  enhancers: Partial<Enhancers> = {},
): { readonly handlers: EndpointHandlers; readonly finder: FixedEnhancers } {
  const finder = new FixedEnhancers(enhancers);
  const provider = providerOf(metatype);
  return { handlers: compileEndpoint(finder, provider), finder };
}
