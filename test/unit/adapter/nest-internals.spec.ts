import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as common from '@nestjs/common/internal';
import * as core from '@nestjs/core';
import * as coreInternal from '@nestjs/core/internal';
import * as websockets from '@nestjs/websockets/internal';
import {
  enhancer,
  Host,
  namesOf,
  NestHost,
  PipeClass,
  ScopedHost,
  Tenant,
  TenantHost,
  Visit,
  VisitGuard,
} from '../../support/nest-host.js';

/*
 * Each name of Nest that adapter/nest-internals.ts uses, and what it assumes about it: a test that fails names what a new
 * version of Nest has moved. `nest-metadata.spec.ts` does the same for what decorators leave behind.
 */

const MODULES: Readonly<Record<string, object>> = {
  '@nestjs/common/internal': common,
  '@nestjs/core': core,
  '@nestjs/core/internal': coreInternal,
  '@nestjs/websockets/internal': websockets,
};

const source = readFileSync(new URL('../../../src/websocket/adapter/nest-internals.ts', import.meta.url), 'utf8');

/** What the file imports from Nest. */
const used = [...source.matchAll(/import \{([^}]*)\} from '(@nestjs\/[^']*)'/g)]
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

let nest: NestHost;
beforeAll(async () => {
  nest = await NestHost.start();
});
afterAll(() => nest.app.close());

const { STATIC_CONTEXT } = coreInternal;
type Assumption = readonly [name: string, assumption: string, check: () => void | Promise<void>];

/** Each creator has a type of its own; what is used of it is the same. */
interface Creator {
  create(...args: readonly unknown[]): unknown;
}

const createsInOrder = (name: string, Creating: () => new (container: never, config: never) => Creator): Assumption => [
  name,
  'gives the enhancers of application, class and method, in this order, with a container that has only getModules',
  () => {
    const creator = new (Creating())(nest.container, nest.config as never);
    const { id } = nest.wrapperOf(Host);
    const created = creator.create(new Host(), Host.prototype.run, nest.keyOf(Host), STATIC_CONTEXT, id);
    expect(namesOf(created)).toEqual(['global', 'class', 'method']);
  },
];

const assumptions: readonly Assumption[] = [
  createsInOrder('GuardsContextCreator', () => coreInternal.GuardsContextCreator),
  createsInOrder('InterceptorsContextCreator', () => coreInternal.InterceptorsContextCreator),
  createsInOrder('PipesContextCreator', () => coreInternal.PipesContextCreator),
  [
    'PipesContextCreator',
    'makes pipes of classes and instances, in the module that setModuleContext names',
    () => {
      const creator = new coreInternal.PipesContextCreator(nest.container, nest.config);
      creator.setModuleContext(nest.keyOf(Host));
      const given = [PipeClass, enhancer('instance')];
      const pipes = creator.createConcreteContext<unknown[], object[]>(given, STATIC_CONTEXT, nest.wrapperOf(Host).id);
      expect(namesOf(pipes)).toEqual(['parameter', 'instance']);
      expect(pipes[0]).toBeInstanceOf(PipeClass);
    },
  ],
  [
    'BaseExceptionFilterContext',
    'asks getGlobalMetadata, and gives functions with what they catch, by the module that moduleContext names',
    () => {
      class Finder extends coreInternal.BaseExceptionFilterContext {
        find(): unknown {
          this.moduleContext = nest.keyOf(Host);
          const { id } = nest.wrapperOf(Host);
          const metadata = common.EXCEPTION_FILTERS_METADATA;
          return this.createContext(new Host(), Host.prototype.run as never, metadata, STATIC_CONTEXT, id);
        }

        override getGlobalMetadata<T extends unknown[]>(): T {
          return [enhancer('global')] as unknown as T;
        }
      }
      const found = new Finder(nest.container).find() as { func: () => string; exceptionMetatypes: unknown[] }[];
      expect(found.map(({ func }) => func())).toEqual(['global', 'class', 'method']);
      expect(found.map(({ exceptionMetatypes }) => exceptionMetatypes)).toEqual([[], [], []]);
    },
  ],
  [
    'EXCEPTION_FILTERS_METADATA',
    'is where @UseFilters leaves its filters',
    () => expect(namesOf(Reflect.getMetadata(common.EXCEPTION_FILTERS_METADATA, Host))).toEqual(['class']),
  ],
  [
    'ExecutionContextHost',
    'knows its type, class, method and arguments; the pattern of a message is the last one',
    () => {
      const context = new coreInternal.ExecutionContextHost(['client', 'data', 'pattern'], Host, Host.prototype.run);
      expect(context.getType()).toBe('http');
      context.setType('ws');
      expect([context.getType(), context.getClass(), context.getHandler()]).toEqual(['ws', Host, Host.prototype.run]);
      expect([context.getArgByIndex(1), context.switchToHttp().getRequest()]).toEqual(['data', 'client']);
      const ws = context.switchToWs();
      expect([ws.getClient(), ws.getData(), ws.getPattern()]).toEqual(['client', 'data', 'pattern']);
    },
  ],
  [
    'STATIC_CONTEXT',
    'is the context of singletons',
    () => expect(nest.wrapperOf(Host).getInstanceByContextId(STATIC_CONTEXT).instance).toBe(nest.app.get(Host)),
  ],
  [
    'InstanceWrapper',
    'knows its module, and whether its dependencies are static or durable, its enhancers among them',
    () => {
      const [host, scoped, tenant] = [Host, ScopedHost, TenantHost].map((token) => nest.wrapperOf(token));
      expect([...nest.modules.values()]).toContain(host?.host);
      expect([host, scoped, tenant].map((wrapper) => wrapper?.isDependencyTreeStatic())).toEqual([true, false, false]);
      expect([scoped, tenant].map((wrapper) => wrapper?.isDependencyTreeDurable())).toEqual([false, true]);
      expect([host?.metatype, typeof host?.id, host?.isAlias, host?.isNotMetatype]).toEqual([
        Host,
        'string',
        false,
        false,
      ]);
      expect([nest.wrapperOf('ALIAS').isAlias, nest.wrapperOf('VALUE').isNotMetatype]).toEqual([true, true]);
    },
  ],
  [
    'Module',
    'has its providers by token',
    () => expect(nest.wrapperOf(Host).host?.providers.get(Host)).toBe(nest.wrapperOf(Host)),
  ],
  [
    'ModulesContainer',
    'has the modules by the keys that the creators take',
    () => expect(nest.modules.get(nest.keyOf(Host))).toBe(nest.wrapperOf(Host).host),
  ],
  [
    'Injector',
    'stands in ModuleRef, and loads a provider for a context id with its dependencies and enhancers',
    async () => {
      const contextId = core.ContextIdFactory.create();
      const host = await nest.load(contextId);
      expect(host).toBeInstanceOf(ScopedHost);
      expect(host.visit).toBeInstanceOf(Visit);
      const creator = new coreInternal.GuardsContextCreator(nest.container, nest.config);
      const { id } = nest.wrapperOf(ScopedHost);
      const guards = creator.create(host, ScopedHost.prototype.run, nest.keyOf(ScopedHost), contextId, id);
      expect(guards[1]).toBeInstanceOf(VisitGuard);
      expect((guards[1] as VisitGuard).visit).toBe(host.visit);
    },
  ],
  [
    'ModuleRef',
    'registers what @Inject(REQUEST) yields in a context',
    async () => {
      const contextId = core.ContextIdFactory.create();
      nest.app.get(core.ModuleRef).registerRequestByContextId('the request', contextId);
      expect((await nest.load(contextId)).visit.request).toBe('the request');
    },
  ],
  [
    'ContextIdFactory',
    'lets a strategy give a parent for durable providers, and a payload',
    () => {
      const parent = core.ContextIdFactory.create();
      core.ContextIdFactory.apply({
        attach: (contextId) => ({
          resolve: ({ isTreeDurable }) => (isTreeDurable ? parent : contextId),
          payload: { a: 1 },
        }),
      });
      const contextId = core.ContextIdFactory.getByRequest({});
      core.ContextIdFactory.apply(undefined as never);
      expect(contextId.payload).toEqual({ a: 1 });
      expect(contextId.getParent?.({ token: Tenant, isTreeDurable: true })).toBe(parent);
    },
  ],
  [
    'ContextId',
    'is an object with an id',
    () => expect(core.ContextIdFactory.create()).toEqual({ id: expect.any(Number) }),
  ],
  [
    'REQUEST_CONTEXT_ID',
    'is where ContextIdFactory looks on a request, and on what is raw in it',
    () => {
      const contextId = core.ContextIdFactory.create();
      const request = { [coreInternal.REQUEST_CONTEXT_ID]: contextId };
      expect(core.ContextIdFactory.getByRequest(request)).toBe(contextId);
      expect(core.ContextIdFactory.getByRequest({ raw: request })).toBe(contextId);
    },
  ],
  [
    'ApplicationConfig',
    'gives global filters, those of request scope as wrappers',
    () => {
      expect(namesOf(nest.config.getGlobalFilters())).toEqual(['global']);
      nest.config.addGlobalRequestFilter(nest.wrapperOf(Visit) as never);
      expect(nest.config.getGlobalRequestFilters()).toEqual([nest.wrapperOf(Visit)]);
    },
  ],
  [
    'SerializedGraph',
    'takes entry points by the class they belong to',
    () => {
      const graph = new core.SerializedGraph();
      graph.insertEntrypoint({ id: 'a' } as never, 'class');
      graph.insertEntrypoint({ id: 'b' } as never, 'class');
      expect(graph.toJSON().entrypoints).toEqual({ class: [{ id: 'a' }, { id: 'b' }] });
    },
  ],
];

it.each(assumptions)('%s %s', async (_name, _assumption, check) => {
  expect.hasAssertions();
  await check();
});

it('every name that is used has its assumption written down, here or in nest-metadata.spec.ts', () => {
  const metadata = readFileSync(new URL('nest-metadata.spec.ts', import.meta.url), 'utf8');
  const written = new Set(assumptions.map(([name]) => name));
  const missing = used.filter(({ name }) => !written.has(name) && !new RegExp(`\\b${name}\\b`).test(metadata));
  expect(missing).toEqual([]);
});
