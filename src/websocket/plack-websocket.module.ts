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
import { NestEnhancerFinder } from './adapter/nest/enhancer-finder.js';
import { NestScopedInstances } from './adapter/nest/scoped-instances.js';
import { GatewayFilters } from './adapter/nest/gateway-filters.js';
import { GatewayInstances } from './adapter/nest/gateway-instances.js';
import { GatewayServers } from './adapter/gateway/gateway-servers.js';
import { PlackWsAdapter } from './adapter/plack-ws.adapter.js';
import { ServerAssembly } from './adapter/server-assembly.js';
import { Connection } from './connection/connection.js';
import { ConnectionRegistry } from './registry/connection-registry.js';
import { CurrentConnection } from './connection/current-connection.js';
import { ScopedInstances } from './endpoint/endpoint.js';
import { EndpointExplorer } from './endpoint/definition/endpoint-explorer.js';
import { EnhancerFinder } from './endpoint/pipeline/enhancers.js';
import { HookResolver } from './endpoint/hook-resolver.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import {
  PlackWebSocketOptions,
  readModuleOptions,
  type PlackWebSocketModuleOptions,
} from './plack-websocket.options.js';
import { checkOtherCopies, providersForOtherCopies } from './other-copies.js';
import { ResolvedOptions } from './resolved-options.js';
import { copyOf, isSharedClass, shareClass } from './copies/shared-class.js';

const THIS_MODULE = 'PlackWebSocketModule';

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
@Module({
  // What an import without forRoot finds; forRoot has the real one, which takes its place.
  providers: [
    {
      provide: ServerAssembly,
      useFactory: () => {
        throw new ConfigurationError(
          'PlackWebSocketModule is imported without options. Write PlackWebSocketModule.forRoot() or .forRootAsync() in ' +
            'the imports of the root module; no other module has to import it.',
        );
      },
    },
  ],
})
export class PlackWebSocketModule
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown
{
  /** @internal */
  constructor(
    @Inject(ServerAssembly) private readonly assembly: ServerAssembly,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * Takes the options as they are.
   * @throws ConfigurationError when the application starts, for an option that is unknown or of the wrong kind.
   */
  static forRoot(options: PlackWebSocketModuleOptions = {}): DynamicModule {
    return describeModule(
      { provide: PlackWebSocketOptions, useFactory: () => readModuleOptions(options) },
      { injectable: (options as PlackWebSocketModuleOptions | null)?.context === 'async-local' },
    );
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
      return describeModule(provider, { imports });
    }
    const factory = (useClass ?? useExisting) as Type<PlackWebSocketOptionsFactory>;
    const provider: Provider = {
      provide: PlackWebSocketOptions,
      inject: [factory],
      useFactory: async (made: PlackWebSocketOptionsFactory) =>
        readModuleOptions(await made.createPlackWebSocketOptions()),
    };
    return describeModule(provider, { providers: useClass === undefined ? [] : [useClass], imports });
  }

  /**
   * Part of Nest's `OnModuleInit`: takes the upgrades of the server.
   * @throws ConfigurationError for anything that is wrong with options or classes.
   */
  async onModuleInit(): Promise<void> {
    checkOtherCopies(this.modules);
    insistOnOneImport(this.modules);
    await this.assembly.start();
  }

  /** Part of Nest's `OnApplicationBootstrap`: the endpoints are served from now on. */
  async onApplicationBootstrap(): Promise<void> {
    await this.assembly.acceptUpgrades();
  }

  /** Part of Nest's `OnModuleDestroy`. The drain has run by now where Nest calls the HTTP adapter first; without that it runs here. */
  async onModuleDestroy(): Promise<void> {
    await this.assembly.drain();
  }

  /** Part of Nest's `BeforeApplicationShutdown`: takes off what was attached to servers. */
  beforeApplicationShutdown(): void {
    this.assembly.detach();
  }
}

shareClass(PlackWebSocketModule, THIS_MODULE);

interface Surroundings {
  readonly providers?: readonly Provider[];
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** `Connection` can be injected. Default true: options that are made later may ask for it. */
  readonly injectable?: boolean;
}

/** @throws ConfigurationError with the names of the modules that import this one, as far as their decorators say so. */
function insistOnOneImport(modules: ModulesContainer): void {
  const all = [...modules.values()];
  const ours = all.filter(({ metatype }) => isSharedClass(metatype, THIS_MODULE));
  const times = ours.length;
  if (times <= 1) return;
  const folders = new Set(ours.map(({ metatype }) => copyOf(metatype)?.folder));
  const copies = folders.size === 1 ? '' : `, from copies in ${[...folders].join(' and in ')}`;
  const importers = all.filter(({ metatype }) => importsOf(metatype).some(isOurs)).map(({ metatype }) => metatype.name);
  const named = importers.length < times ? [...importers, 'another module'] : importers;
  throw new ConfigurationError(
    `PlackWebSocketModule is imported ${times === 2 ? 'twice' : `${times} times`}: by ${named.join(' and by ')}${copies}. ` +
      'Import it once, in the root module; ConnectionRegistry can be injected everywhere, and options of one endpoint ' +
      'go into its @WsEndpoint.',
  );
}

function importsOf(metatype: Type): readonly unknown[] {
  return (Reflect.getMetadata('imports', metatype) as readonly unknown[] | undefined) ?? [];
}

function isOurs(imported: unknown): boolean {
  return (
    typeof imported === 'object' &&
    imported !== null &&
    'module' in imported &&
    isSharedClass(imported.module, THIS_MODULE)
  );
}

/**
 * Makes each call of `forRoot` another module. Nest 10 compares modules by their text, and so would take two with other
 * options for one, without a word.
 */
const NUMBER_OF_IMPORT = 'plack-websocket:number-of-import';
let calls = 0;

function describeModule(
  options: Provider,
  { providers = [], imports = [], injectable = true }: Surroundings,
): DynamicModule {
  const forOthers = providersForOtherCopies([
    'ConnectionRegistry',
    'PlackWsAdapter',
    ...(injectable ? ['Connection'] : []),
  ]);
  return {
    module: PlackWebSocketModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...providers,
      options,
      { provide: NUMBER_OF_IMPORT, useValue: (calls += 1) },
      ConnectionRegistry,
      EndpointExplorer,
      HookResolver,
      GatewayFilters,
      GatewayInstances,
      GatewayServers,
      ServerAssembly,
      PlackWsAdapter,
      {
        provide: CurrentConnection,
        inject: [PlackWebSocketOptions],
        useFactory: ({ context }: PlackWebSocketOptions) => new CurrentConnection(context === 'async-local'),
      },
      ...(injectable ? [SERVED_CONNECTION] : []),
      { provide: AdapterSettings, useClass: ResolvedOptions },
      { provide: EnhancerFinder, useClass: NestEnhancerFinder },
      { provide: ScopedInstances, useClass: NestScopedInstances },
      ...forOthers,
    ],
    exports: [
      ConnectionRegistry,
      PlackWsAdapter,
      ...(injectable ? [Connection] : []),
      ...forOthers.map(({ provide }) => provide),
    ],
  };
}

const SERVED_CONNECTION: Provider = {
  provide: Connection,
  inject: [CurrentConnection],
  useFactory: ({ proxy }: CurrentConnection) => proxy,
};
