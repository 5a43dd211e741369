import {
  Inject,
  Injectable,
  Module,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CanActivate,
  type INestApplicationContext,
  type PipeTransform,
} from '@nestjs/common';
import {
  ApplicationConfig,
  ExternalContextCreator,
  ModuleRef,
  ModulesContainer,
  NestFactory,
  REQUEST,
  type ContextId,
  type DiscoveryService,
} from '@nestjs/core';
import { MessageBody } from '@nestjs/websockets';
import { of } from 'rxjs';
import { ContextCreators } from '../../src/websocket/adapter/nest/context-creators.js';

/** An enhancer of every kind that tells where it was bound. */
export function enhancer(name: string) {
  return { name, canActivate: () => true, intercept: () => of(name), transform: () => name, catch: () => name };
}

export function namesOf(enhancers: unknown): unknown[] {
  return (enhancers as { name: unknown }[]).map(({ name }) => name);
}

@Injectable()
export class PipeClass implements PipeTransform {
  readonly name = 'parameter';

  transform(): string {
    return this.name;
  }
}

@Injectable({ scope: Scope.REQUEST })
export class Visit {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

@Injectable({ scope: Scope.REQUEST, durable: true })
export class Tenant {}

@Injectable({ scope: Scope.REQUEST })
export class VisitGuard implements CanActivate {
  constructor(readonly visit: Visit) {}

  canActivate(): boolean {
    return true;
  }
}

/** A provider with an enhancer of every kind on its class and on its method. */
@UseGuards(enhancer('class'))
@UseInterceptors(enhancer('class'))
@UsePipes(enhancer('class'))
@UseFilters(enhancer('class'))
@Injectable()
export class Host {
  @UseGuards(enhancer('method'))
  @UseInterceptors(enhancer('method'))
  @UsePipes(enhancer('method'))
  @UseFilters(enhancer('method'))
  run(@MessageBody(PipeClass) _body: unknown): void {}
}

@UseGuards(VisitGuard)
@Injectable()
export class ScopedHost {
  constructor(readonly visit: Visit) {}

  run(): void {}
}

@Injectable()
export class TenantHost {
  constructor(readonly tenant: Tenant) {}
}

@Module({
  providers: [
    Host,
    ScopedHost,
    TenantHost,
    Visit,
    Tenant,
    PipeClass,
    { provide: 'ALIAS', useExisting: Host },
    { provide: 'VALUE', useValue: 1 },
  ],
})
class HostModule {}

/** Nest's own record of a provider. */
type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

interface Injector {
  loadPerContext(...args: readonly unknown[]): Promise<ScopedHost>;
}

/** Nest's container with a few providers, as the library finds it in an application. */
export class NestHost {
  static async start(): Promise<NestHost> {
    const app = await NestFactory.createApplicationContext(HostModule, { logger: false });
    const config = app.get(ApplicationConfig);
    config.useGlobalGuards(enhancer('global'));
    config.useGlobalInterceptors(enhancer('global'));
    config.useGlobalPipes(enhancer('global'));
    config.useGlobalFilters(enhancer('global'));
    return new NestHost(app);
  }

  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
  readonly creators: ContextCreators;

  private constructor(readonly app: INestApplicationContext) {
    this.modules = app.get(ModulesContainer);
    this.config = app.get(ApplicationConfig);
    this.creators = new ContextCreators(app.get(ExternalContextCreator), this.config);
  }

  wrapperOf(token: unknown): InstanceWrapper {
    for (const { providers } of this.modules.values()) {
      const wrapper = providers.get(token as never);
      if (wrapper !== undefined) return wrapper;
    }
    throw new Error(`${String(token)} is in no module.`);
  }

  keyOf(token: unknown): string {
    return [...this.modules].find(([, module]) => module === this.wrapperOf(token).host)?.[0] ?? '';
  }

  /** Opens a request scope for the scoped host, as for a connection. */
  load(contextId: ContextId): Promise<ScopedHost> {
    const { injector } = this.app.get<unknown, { injector: Injector }>(ModuleRef);
    const wrapper = this.wrapperOf(ScopedHost);
    return injector.loadPerContext(ScopedHost.prototype, wrapper.host, wrapper.host?.providers, contextId, wrapper);
  }
}
