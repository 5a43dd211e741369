import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  Cookies,
  createParamDecorator,
  Headers,
  Inject,
  Injectable,
  Ip,
  Module,
  Param,
  Query,
  Scope,
  Session,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type INestApplicationContext,
} from '@nestjs/common';
import * as common from '@nestjs/common/internal';
import * as core from '@nestjs/core';
import * as coreInternal from '@nestjs/core/internal';
import { ConnectedSocket, MessageBody, WebSocketGateway } from '@nestjs/websockets';
import * as websockets from '@nestjs/websockets/internal';

/*
 * Each name of Nest that adapter/nest-internals.ts uses, and what it assumes about it. A test that fails here names what
 * a new version of Nest has moved.
 */

const MODULES: Readonly<Record<string, object>> = {
  '@nestjs/common/internal': common,
  '@nestjs/core': core,
  '@nestjs/core/internal': coreInternal,
  '@nestjs/websockets/internal': websockets,
};

/** Names that the file imports from Nest, `type` ones included, with the module they come from. */
const used = [
  ...readFileSync(new URL('../../../src/websocket/adapter/nest-internals.ts', import.meta.url), 'utf8').matchAll(
    /import \{([^}]*)\} from '(@nestjs\/[^']*)'/g,
  ),
]
  .filter(([, , module = '']) => module in MODULES)
  .flatMap(([, names = '', module = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({ module, name: name.replace('type ', ''), isType: name.startsWith('type ') })),
  );

it.each(used.filter(({ isType }) => !isType))('$module exports $name', ({ module, name }) => {
  expect(Object.keys(MODULES[module] ?? {})).toContain(name);
});

/** An enhancer of every kind. */
function enhancer(name: string) {
  return { name, canActivate: () => true, intercept: () => name, transform: () => name, catch: () => name };
}

@Injectable()
class PipeClass {
  readonly name = 'parameter';

  transform(): string {
    return this.name;
  }
}

@Injectable({ scope: Scope.REQUEST })
class Visit {
  constructor(@Inject(core.REQUEST) readonly request: unknown) {}
}

@Injectable({ scope: Scope.REQUEST, durable: true })
class Tenant {}

@Injectable({ scope: Scope.REQUEST })
class VisitGuard {
  constructor(readonly visit: Visit) {}

  canActivate(): boolean {
    return true;
  }
}

@UseGuards(enhancer('class'))
@UseInterceptors(enhancer('class'))
@UsePipes(enhancer('class'))
@UseFilters(enhancer('class'))
@Injectable()
class Host {
  @UseGuards(enhancer('method'))
  @UseInterceptors(enhancer('method'))
  @UsePipes(enhancer('method'))
  @UseFilters(enhancer('method'))
  run(@MessageBody(PipeClass) _body: unknown): void {}
}

@UseGuards(VisitGuard)
@Injectable()
class ScopedHost {
  constructor(readonly visit: Visit) {}

  run(): void {}
}

@WebSocketGateway(81, { path: '/stock' })
class Gateway {}

const Custom = createParamDecorator(() => undefined);

class Decorated {
  run(
    @ConnectedSocket() _0: unknown,
    @MessageBody('name', PipeClass) _1: unknown,
    @Body() _2: unknown,
    @Query() _3: unknown,
    @Param() _4: unknown,
    @Headers() _5: unknown,
    @Session() _6: unknown,
    @Ip() _7: unknown,
    @Cookies() _8: unknown,
    @Custom('data') _9: unknown,
  ): void {}
}

@Module({ providers: [Host, ScopedHost, Visit, Tenant, PipeClass, { provide: 'ALIAS', useExisting: Host }] })
class HostModule {}

let app: INestApplicationContext;
let modules: core.ModulesContainer;
let config: core.ApplicationConfig;

beforeAll(async () => {
  app = await core.NestFactory.createApplicationContext(HostModule, { logger: false });
  modules = app.get(core.ModulesContainer);
  config = app.get(core.ApplicationConfig);
  config.useGlobalGuards(enhancer('global'));
  config.useGlobalInterceptors(enhancer('global') as never);
  config.useGlobalPipes(enhancer('global'));
  config.useGlobalFilters(enhancer('global'));
});
afterAll(() => app.close());

/** All that the context creators ask of Nest's container. */
const container = { getModules: () => modules } as never;

function wrapperOf(token: unknown): coreInternal.InstanceWrapper {
  for (const { providers } of modules.values()) {
    const wrapper = providers.get(token as never);
    if (wrapper !== undefined) return wrapper;
  }
  throw new Error(`${String(token)} is in no module.`);
}

function keyOf(token: unknown): string {
  return [...modules].find(([, module]) => module === wrapperOf(token).host)?.[0] ?? '';
}

function namesOf(enhancers: unknown): unknown[] {
  return (enhancers as { name: unknown }[]).map(({ name }) => name);
}

/** Opens a request scope for the scoped host as for a connection. */
async function load(contextId: core.ContextId): Promise<ScopedHost> {
  const { injector } = app.get(core.ModuleRef) as unknown as { injector: coreInternal.Injector };
  const wrapper = wrapperOf(ScopedHost);
  const { providers } = wrapper.host as coreInternal.Module;
  return injector.loadPerContext(ScopedHost.prototype, wrapper.host as never, providers as never, contextId, wrapper);
}

const routeArguments = (): Record<string, Record<string, unknown>> =>
  Reflect.getMetadata(common.ROUTE_ARGS_METADATA, Decorated, 'run') as Record<string, Record<string, unknown>>;

type Assumption = readonly [name: string, assumption: string, check: () => unknown];

const creates = (name: 'GuardsContextCreator' | 'InterceptorsContextCreator' | 'PipesContextCreator'): Assumption => [
  name,
  'gives the enhancers of application, class and method, in this order, with a container that has only getModules',
  () => {
    const creator = new coreInternal[name](container, config);
    const created = creator.create(new Host(), Host.prototype.run, keyOf(Host), coreInternal.STATIC_CONTEXT, wrapperOf(Host).id);
    expect(namesOf(created)).toEqual(['global', 'class', 'method']);
  },
];

const assumptions: readonly Assumption[] = [
  creates('GuardsContextCreator'),
  creates('InterceptorsContextCreator'),
  creates('PipesContextCreator'),
  [
    'PipesContextCreator',
    'makes pipes of classes and instances, in the module that setModuleContext names',
    () => {
      const creator = new coreInternal.PipesContextCreator(container, config);
      creator.setModuleContext(keyOf(Host));
      const pipes = creator.createConcreteContext<unknown[], PipeClass[]>(
        [PipeClass, enhancer('instance')],
        coreInternal.STATIC_CONTEXT,
        wrapperOf(Host).id,
      );
      expect(namesOf(pipes)).toEqual(['parameter', 'instance']);
      expect(pipes[0]).toBeInstanceOf(PipeClass);
    },
  ],
  [
    'GuardsContextCreator',
    'gives the instance of a context id for a guard of request scope',
    async () => {
      const contextId = core.ContextIdFactory.create();
      const host = await load(contextId);
      const creator = new coreInternal.GuardsContextCreator(container, config);
      const [, guard] = creator.create(host, ScopedHost.prototype.run, keyOf(ScopedHost), contextId, wrapperOf(ScopedHost).id);
      expect(guard).toBeInstanceOf(VisitGuard);
      expect((guard as VisitGuard).visit).toBe(host.visit);
    },
  ],
];
