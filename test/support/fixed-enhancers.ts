import type { ExecutionContext, PipeTransform, Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { defineEndpoint } from '../../src/websocket/endpoint/endpoint-definition.js';
import { compileEndpoint, type EndpointHandlers } from '../../src/websocket/endpoint/compiled-endpoint.js';
import {
  EnhancerFinder,
  type EndpointHost,
  type Enhancers,
  type StageType,
} from '../../src/websocket/endpoint/enhancers.js';

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

  override parameterPipes(_host: EndpointHost, pipes: readonly unknown[]): readonly PipeTransform[] {
    return pipes as readonly PipeTransform[];
  }

  override createContext(
    type: StageType,
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
  ): ExecutionContext {
    this.contexts++;
    const context = new ExecutionContextHost([...args], metatype, handler);
    context.setType(type);
    return context;
  }
}

/** An endpoint class as if a module provided it. */
export function hostOf(metatype: Type, isStatic = true): EndpointHost {
  const instance = new metatype() as object;
  return { definition: defineEndpoint(metatype), moduleName: 'AppModule', instance, isStatic };
}

/** The handlers of an endpoint class, and the port that found their enhancers. */
export function compile(
  metatype: Type,
  enhancers: Partial<Enhancers> = {},
): { readonly handlers: EndpointHandlers; readonly finder: FixedEnhancers } {
  const finder = new FixedEnhancers(enhancers);
  const host = hostOf(metatype);
  return { handlers: compileEndpoint(finder, host, host.instance), finder };
}
