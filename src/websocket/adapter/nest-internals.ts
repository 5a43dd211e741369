/*
 * Every internal of Nest that this library uses, and nothing else. The names are not part of Nest's public API;
 * `test/unit/adapter/nest-internals.spec.ts` says what moved when one of them does.
 */
import { Injectable, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import {
  CUSTOM_ROUTE_ARGS_METADATA,
  ENTRY_PROVIDER_WATERMARK,
  EXCEPTION_FILTERS_METADATA,
  PARAMTYPES_METADATA,
  ROUTE_ARGS_METADATA,
  RouteParamtypes,
} from '@nestjs/common/internal';
import {
  ApplicationConfig,
  ContextIdFactory,
  ModuleRef,
  ModulesContainer,
  type ContextId,
  type SerializedGraph,
} from '@nestjs/core';
import {
  BaseExceptionFilterContext,
  ExecutionContextHost,
  GuardsContextCreator,
  InterceptorsContextCreator,
  PipesContextCreator,
  REQUEST_CONTEXT_ID,
  STATIC_CONTEXT,
  type Injector,
  type InstanceWrapper,
  type Module,
} from '@nestjs/core/internal';
import { GATEWAY_METADATA, GATEWAY_OPTIONS, PORT_METADATA } from '@nestjs/websockets/internal';
import type { RequestContext } from '../connection/request-context.js';
import {
  EnhancerFinder,
  type BoundFilter,
  type ConnectionContextId,
  type EndpointHost,
  type Enhancers,
  type StageType,
} from '../endpoint/enhancers.js';
import type { DiscoveredEndpoint } from '../endpoint/endpoint-explorer.js';
import { ScopedInstances } from '../endpoint/endpoint.js';
import {
  NEST_CUSTOM_ARGUMENT,
  NEST_ENTRY_PROVIDER,
  NEST_PARAMETER_TYPES,
  NEST_ROUTE_ARGUMENTS,
  NestParameter,
} from '../endpoint/metadata-keys.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';

/** The container as Nest's context creators use it: they only ever ask for the modules. */
type Container = ConstructorParameters<typeof GuardsContextCreator>[0];

/** Finds enhancers with the creators Nest itself uses for controllers and gateways. */
@Injectable()
export class NestEnhancerFinder extends EnhancerFinder {
  readonly #guards: GuardsContextCreator;
  readonly #interceptors: InterceptorsContextCreator;
  readonly #pipes: PipesContextCreator;
  readonly #filters: FilterFinder;

  constructor(
    private readonly modules: ModulesContainer,
    config: ApplicationConfig,
  ) {
    super();
    const container = { getModules: () => modules } as unknown as Container;
    this.#guards = new GuardsContextCreator(container, config);
    this.#interceptors = new InterceptorsContextCreator(container, config);
    this.#pipes = new PipesContextCreator(container, config);
    this.#filters = new FilterFinder(container, config);
  }

  override find(
    host: EndpointHost,
    instance: object,
    method: string | undefined,
    contextId?: ConnectionContextId,
  ): Enhancers {
    const prototype = host.definition.metatype.prototype as Record<string, () => unknown>;
    const callback = (method === undefined ? undefined : prototype[method]) ?? noMethod;
    const { key, wrapper, context } = this.#locate(host, contextId);
    const args = [instance, callback, key, context, wrapper.id] as const;
    return {
      guards: this.#guards.create(...args),
      interceptors: this.#interceptors.create(...args),
      pipes: this.#pipes.create(...args),
      ...this.#filters.find(instance, callback, key, context, wrapper.id),
    };
  }

  override parameterPipes(
    host: EndpointHost,
    pipes: readonly unknown[],
    contextId?: ConnectionContextId,
  ): readonly PipeTransform[] {
    const { key, wrapper, context } = this.#locate(host, contextId);
    this.#pipes.setModuleContext(key);
    return this.#pipes.createConcreteContext<unknown[], PipeTransform[]>([...pipes], context, wrapper.id);
  }

  override createContext(
    type: StageType,
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
  ): ExecutionContext {
    const context = new ExecutionContextHost(args as unknown[], metatype, handler);
    context.setType(type);
    return context;
  }

  #locate(
    host: EndpointHost,
    contextId: ConnectionContextId | undefined,
  ): { key: string; wrapper: InstanceWrapper; context: ContextId } {
    const wrapper = wrapperOf(host);
    for (const [key, module] of this.modules) {
      if (module === wrapper.host) return { key, wrapper, context: contextId ?? STATIC_CONTEXT };
    }
    throw new ConfigurationError(`${host.definition.metatype.name} belongs to no module of this application.`);
  }
}

/** Opens Nest's request scope for one connection: providers of request scope live as long as the connection. */
@Injectable()
export class NestScopedInstances extends ScopedInstances {
  constructor(private readonly moduleRef: ModuleRef) {
    super();
  }

  override open(host: EndpointHost, context: RequestContext): ConnectionContextId {
    const contextId = ContextIdFactory.getByRequest(context.raw as never);
    // `ContextIdFactory.getByRequest` of the application finds the same scope again, by the request or its context.
    Reflect.defineProperty(context.raw, REQUEST_CONTEXT_ID, { value: contextId });
    // A durable tree is shared between connections, so it must not see the request of one of them.
    const durable = wrapperOf(host).isDependencyTreeDurable();
    this.moduleRef.registerRequestByContextId(durable ? contextId.payload : context, contextId);
    return contextId;
  }

  override async load(host: EndpointHost, contextId: ConnectionContextId): Promise<object> {
    const wrapper = wrapperOf(host);
    const module = wrapper.host as Module;
    // The injector of a module reference applies the `instrument` option of the application.
    const { injector } = this.moduleRef as unknown as { injector: Injector };
    return injector.loadPerContext(host.instance, module, module.providers as never, contextId, wrapper);
  }
}

/** Finds exception filters apart: those of method and class, and the global ones. */
class FilterFinder extends BaseExceptionFilterContext {
  constructor(
    container: Container,
    private readonly config: ApplicationConfig,
  ) {
    super(container);
  }

  find(
    instance: object,
    callback: (...args: never[]) => unknown,
    key: string,
    contextId: ContextId,
    inquirerId: string,
  ): Pick<Enhancers, 'filters' | 'globalFilters'> {
    this.moduleContext = key;
    const own = this.createContext<unknown[], unknown[]>(
      instance,
      callback as never,
      EXCEPTION_FILTERS_METADATA,
      contextId,
      inquirerId,
    );
    const scoped =
      contextId === STATIC_CONTEXT
        ? []
        : this.config
            .getGlobalRequestFilters()
            .map(
              (wrapper) => wrapper.getInstanceByContextId(this.getContextId(contextId, wrapper), inquirerId)?.instance,
            )
            .filter((filter) => filter !== undefined);
    const global = this.createConcreteContext(
      [...this.config.getGlobalFilters(), ...scoped] as never,
      contextId,
      inquirerId,
    );
    // The nearest decides: method before class, the last global one before the first.
    return { filters: toBound(own).reverse(), globalFilters: toBound(global).reverse() };
  }

  /** Global filters are kept apart, so none are added here. */
  override getGlobalMetadata<T extends unknown[]>(): T {
    return [] as unknown as T;
  }
}

function toBound(filters: unknown): BoundFilter[] {
  return [...(filters as BoundFilter[])];
}

function wrapperOf(host: EndpointHost): InstanceWrapper {
  return (host as DiscoveredEndpoint).wrapper;
}

function noMethod(): void {}

/** A stock gateway as Nest's container holds it. */
export interface DiscoveredGateway {
  readonly metatype: Type;
  readonly instance: object;
  readonly port: number;
  readonly path: string | undefined;
}

/** The stock `@WebSocketGateway` classes of the application. */
export function findGateways(modules: ModulesContainer): DiscoveredGateway[] {
  const found: DiscoveredGateway[] = [];
  for (const { providers } of modules.values()) {
    for (const { metatype, instance, isNotMetatype } of providers.values()) {
      if (isNotMetatype || typeof metatype !== 'function' || !Reflect.hasMetadata(GATEWAY_METADATA, metatype)) continue;
      const options = Reflect.getMetadata(GATEWAY_OPTIONS, metatype) as { path?: string } | undefined;
      const port = Reflect.getMetadata(PORT_METADATA, metatype) as number;
      found.push({ metatype: metatype as Type, instance: instance as object, port, path: options?.path });
    }
  }
  return found;
}

/** Tells Nest's devtools about the methods of an endpoint. */
export function describeEntrypoints(graph: SerializedGraph, host: EndpointHost, path: string): void {
  const { metatype, establish, finish, anyMessage, binaryMessage, events } = host.definition;
  const wrapper = wrapperOf(host);
  const entries: (readonly [key: string, method: string | undefined])[] = [
    ['establish', establish],
    ['message', anyMessage],
    ['binary', binaryMessage],
    ...events,
    ['finish', finish],
  ];
  for (const [key, methodName] of entries) {
    if (methodName === undefined) continue;
    graph.insertEntrypoint(
      {
        id: `${wrapper.id}_${methodName}`,
        type: 'websocket',
        methodName,
        className: metatype.name,
        classNodeId: wrapper.id,
        metadata: { key, path, message: key },
      } as never,
      wrapper.id,
    );
  }
}

/**
 * Compares what our decorators assume about Nest's metadata with the installed Nest.
 * @throws ConfigurationError naming what differs.
 */
export function assertNestMetadata(): void {
  const expected: readonly (readonly [name: string, ours: unknown, nests: unknown])[] = [
    ['ROUTE_ARGS_METADATA', NEST_ROUTE_ARGUMENTS, ROUTE_ARGS_METADATA],
    ['CUSTOM_ROUTE_ARGS_METADATA', NEST_CUSTOM_ARGUMENT, CUSTOM_ROUTE_ARGS_METADATA],
    ['ENTRY_PROVIDER_WATERMARK', NEST_ENTRY_PROVIDER, ENTRY_PROVIDER_WATERMARK],
    ['PARAMTYPES_METADATA', NEST_PARAMETER_TYPES, PARAMTYPES_METADATA],
    ['RouteParamtypes.BODY', NestParameter.messageBody, RouteParamtypes.BODY],
    ['RouteParamtypes.QUERY', NestParameter.query, RouteParamtypes.QUERY],
    ['RouteParamtypes.PARAM', NestParameter.param, RouteParamtypes.PARAM],
    ['RouteParamtypes.HEADERS', NestParameter.headers, RouteParamtypes.HEADERS],
    ['RouteParamtypes.SESSION', NestParameter.session, RouteParamtypes.SESSION],
    ['RouteParamtypes.IP', NestParameter.ip, RouteParamtypes.IP],
    ['RouteParamtypes.COOKIES', NestParameter.cookies, RouteParamtypes.COOKIES],
  ];
  for (const [name, ours, nests] of expected) {
    if (ours !== nests) {
      throw new ConfigurationError(
        `The installed Nest has ${name} = ${String(nests)}, this library was built for ${String(ours)}. ` +
          'Use a version of @nestjs/core and @nestjs/common that package.json allows.',
      );
    }
  }
}
