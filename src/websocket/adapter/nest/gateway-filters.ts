import { Injectable } from '@nestjs/common';
import { ApplicationConfig, ContextIdFactory, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { selectFilter } from '../../endpoint/pipeline/compiled-filters.js';
import { ContextCreators } from './context-creators.js';
import { EndpointExecutionContext } from './execution-context.js';
import { FilterFinder } from './filter-finder.js';
import type { DiscoveredGateway } from './gateway-discovery.js';

/** A call of a hook of a gateway that failed. */
export interface FailedHook {
  readonly gateway: Pick<DiscoveredGateway, 'metatype' | 'isScoped' | 'wrapper'>;
  readonly instance: object;
  readonly hook: string;
  /** The client, and for `handleConnection` its request. */
  readonly args: readonly unknown[];
  readonly error: unknown;
}

/**
 * Gives what a hook of a gateway throws to the exception filters of its method and class, which Nest asks about messages only.
 * Global filters have no say about gateways, as in Nest.
 */
@Injectable()
export class GatewayFilters {
  readonly #creators: ContextCreators;
  readonly #finder: FilterFinder;

  constructor(
    private readonly modules: ModulesContainer,
    external: ExternalContextCreator,
    config: ApplicationConfig,
  ) {
    this.#creators = new ContextCreators(external, config);
    this.#finder = new FilterFinder(this.#creators, config);
  }

  /** Tells whether there was a filter for it. Throws or rejects with what that throws. */
  async recover({ gateway, instance, hook, args, error }: FailedHook): Promise<boolean> {
    const { metatype, isScoped, wrapper } = gateway;
    const [client] = args;
    const method = Reflect.get(instance, hook) as () => unknown;
    const [key] = [...this.modules].find(([, module]) => module === wrapper.host) ?? [''];
    const contextId = isScoped ? ContextIdFactory.getByRequest(client as object) : this.#creators.staticContext;
    const { filters } = this.#finder.find(instance, method, key, contextId, wrapper.id);
    const filter = selectFilter(filters, error);
    if (filter === undefined) return false;
    await filter.func(error, new HookContext('ws', args, metatype, method, hook));
    return true;
  }
}

/** What filters find as the host: the client, no data, and the hook in the place of the event. */
class HookContext extends EndpointExecutionContext {
  constructor(
    type: string,
    args: readonly unknown[],
    metatype: DiscoveredGateway['metatype'],
    method: () => unknown,
    private readonly hook: string,
  ) {
    super(type, args, metatype, method);
  }

  override switchToWs(): ReturnType<EndpointExecutionContext['switchToWs']> {
    return { ...super.switchToWs(), getData: <T>() => undefined as T, getPattern: () => this.hook };
  }
}
