import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type InjectionToken,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
  type OptionalFactoryDependency,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { AdapterSettings } from './adapter/adapter-settings.js';
import { NestEnhancerFinder, NestScopedInstances } from './adapter/nest-internals.js';
import { PlackWsAdapter } from './adapter/plack-ws.adapter.js';
import { Connection } from './connection/connection.js';
import { ConnectionRegistry } from './connection/connection-registry.js';
import { CurrentConnection } from './connection/current-connection.js';
import { ScopedInstances } from './endpoint/endpoint.js';
import { EndpointExplorer } from './endpoint/endpoint-explorer.js';
import { EnhancerFinder } from './endpoint/enhancers.js';
import { HookResolver } from './endpoint/hook-resolver.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import {
  PlackWebSocketOptions,
  readModuleOptions,
  type PlackWebSocketModuleOptions,
} from './plack-websocket.options.js';
import { ResolvedOptions } from './resolved-options.js';

/** A class that makes the options; for `forRootAsync`. */
export interface PlackWebSocketOptionsFactory {
  /** Makes the options; called once, while the application starts. A throw or a rejection stops it. */
  createPlackWebSocketOptions(): PlackWebSocketModuleOptions | Promise<PlackWebSocketModuleOptions>;
}

/** Where the options come from when they need other providers, such as a configuration service. */
export interface PlackWebSocketModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** Makes the options; gets what `inject` names. */
  useFactory?: (...args: never[]) => PlackWebSocketModuleOptions | Promise<PlackWebSocketModuleOptions>;
  /** Providers for `useFactory`, in the order of its parameters. */
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** A class to build that makes the options. */
  useClass?: Type<PlackWebSocketOptionsFactory>;
  /** A provider that makes the options. */
  useExisting?: Type<PlackWebSocketOptionsFactory>;
}

/**
 * Serves `@WsEndpoint` classes on the HTTP server of the application. Imported once, in the root module; global, so
 * that `ConnectionRegistry` can be injected everywhere.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [PlackWebSocketModule.forRoot({ path: '/ws', serializer: 'json' })],
 *   providers: [NameHandshake, RoomEndpoint, EchoEndpoint],
 *   controllers: [PageController, SayHiController],
 * })
 * export class AppModule {}
 * ```
 */
@Module({})
export class PlackWebSocketModule
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  /** @internal */
  constructor(
    @Inject(PlackWsAdapter) private readonly adapter: PlackWsAdapter,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * Takes the options as they are.
   * @throws ConfigurationError when the application starts, for an option that is unknown or of the wrong kind.
   */
  static forRoot(options: PlackWebSocketModuleOptions = {}): DynamicModule {
    return describeModule({ provide: PlackWebSocketOptions, useFactory: () => readModuleOptions(options) });
  }

  /**
   * Takes the options from a factory or a class, which may be asynchronous.
   * @throws ConfigurationError when none or more than one of `useFactory`, `useClass` and `useExisting` is given.
   */
  static forRootAsync(options: PlackWebSocketModuleAsyncOptions): DynamicModule {
    const { useFactory, inject = [], useClass, useExisting, imports = [] } = options;
    if ([useFactory, useClass, useExisting].filter((way) => way !== undefined).length !== 1) {
      throw new ConfigurationError(
        'PlackWebSocketModule.forRootAsync takes exactly one of useFactory, useClass and useExisting.',
      );
    }
    if (useFactory !== undefined) {
      const make = useFactory as (
        ...args: unknown[]
      ) => PlackWebSocketModuleOptions | Promise<PlackWebSocketModuleOptions>;
      const provider: Provider = {
        provide: PlackWebSocketOptions,
        inject,
        useFactory: async (...args: unknown[]) => readModuleOptions(await make(...args)),
      };
      return describeModule(provider, [], imports);
    }
    const factory = (useClass ?? useExisting) as Type<PlackWebSocketOptionsFactory>;
    const provider: Provider = {
      provide: PlackWebSocketOptions,
      inject: [factory],
      useFactory: async (made: PlackWebSocketOptionsFactory) =>
        readModuleOptions(await made.createPlackWebSocketOptions()),
    };
    return describeModule(provider, useClass === undefined ? [] : [useClass], imports);
  }

  /**
   * Part of Nest's `OnModuleInit`: takes the upgrades of the server.
   * @throws ConfigurationError for anything that is wrong with options or classes.
   */
  async onModuleInit(): Promise<void> {
    if ([...this.modules.values()].filter(({ metatype }) => metatype === PlackWebSocketModule).length > 1) {
      throw new ConfigurationError(
        'PlackWebSocketModule is imported twice with different options. Import forRoot once, in the root module; ' +
          'ConnectionRegistry is available everywhere, and options of one endpoint go into its @WsEndpoint.',
      );
    }
    await this.adapter.start();
  }

  /** Part of Nest's `OnApplicationBootstrap`: the endpoints are served from now on. */
  async onApplicationBootstrap(): Promise<void> {
    await this.adapter.accept();
  }

  /** Part of Nest's `OnModuleDestroy`. The drain has run by now where Nest calls the HTTP adapter first; without that it runs here. */
  async onModuleDestroy(): Promise<void> {
    await this.adapter.drain();
  }

  /** Part of Nest's `BeforeApplicationShutdown`: takes off what was attached to servers. */
  beforeApplicationShutdown(): void {
    this.adapter.detach();
  }
}

function describeModule(
  options: Provider,
  providers: Provider[] = [],
  imports: NonNullable<ModuleMetadata['imports']> = [],
): DynamicModule {
  return {
    module: PlackWebSocketModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...providers,
      options,
      ConnectionRegistry,
      EndpointExplorer,
      HookResolver,
      PlackWsAdapter,
      {
        provide: CurrentConnection,
        inject: [PlackWebSocketOptions],
        useFactory: ({ context }: PlackWebSocketOptions) => new CurrentConnection(context === 'async-local'),
      },
      { provide: Connection, inject: [CurrentConnection], useFactory: ({ proxy }: CurrentConnection) => proxy },
      { provide: AdapterSettings, useClass: ResolvedOptions },
      { provide: EnhancerFinder, useClass: NestEnhancerFinder },
      { provide: ScopedInstances, useClass: NestScopedInstances },
    ],
    exports: [ConnectionRegistry, Connection, PlackWsAdapter],
  };
}
