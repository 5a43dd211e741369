import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as core from '@nestjs/core';
import { requestContextKey, type EnhancerCreator } from '../../../../src/websocket/adapter/nest/context-creators.js';
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
} from '../../../support/nest-host.js';

/*
 * What the files of adapter/nest/ assume about Nest beyond its public API: a test that fails names what another version of
 * Nest has moved. `nest-metadata.spec.ts` does the same for what decorators leave behind.
 */

let nest: NestHost;
beforeAll(async () => {
  nest = await NestHost.start();
});
afterAll(() => nest.app.close());

type Assumption = readonly [name: string, assumption: string, check: () => void | Promise<void>];

const createsInOrder = (kind: 'guards' | 'interceptors' | 'pipes'): Assumption => [
  `the creator of ${kind}`,
  'gives the enhancers of application, class and method, in this order',
  () => {
    const creator: EnhancerCreator = nest.creators[kind];
    const { id } = nest.wrapperOf(Host);
    const { staticContext } = nest.creators;
    const created = creator.create(new Host(), Host.prototype.run, nest.keyOf(Host), staticContext, id);
    expect(namesOf(created)).toEqual(['global', 'class', 'method']);
  },
];

const assumptions: readonly Assumption[] = [
  createsInOrder('guards'),
  createsInOrder('interceptors'),
  createsInOrder('pipes'),
  [
    'the creator of pipes',
    'makes pipes of classes and instances, in the module that setModuleContext names',
    () => {
      const { pipes: creator, staticContext } = nest.creators;
      creator.setModuleContext(nest.keyOf(Host));
      const given = [PipeClass, enhancer('instance')];
      const pipes = creator.createConcreteContext(given, staticContext, nest.wrapperOf(Host).id);
      expect(namesOf(pipes)).toEqual(['parameter', 'instance']);
      expect(pipes[0]).toBeInstanceOf(PipeClass);
    },
  ],
  [
    'the creator of filters',
    'asks getGlobalMetadata, and gives functions with what they catch, by the module that moduleContext names',
    () => {
      const { filters: creator, staticContext } = nest.creators;
      creator.getGlobalMetadata = () => [enhancer('global')];
      creator.moduleContext = nest.keyOf(Host);
      const { id } = nest.wrapperOf(Host);
      const { run } = Host.prototype;
      const found = creator.createContext(new Host(), run, '__exceptionFilters__', staticContext, id) as {
        func: () => string;
        exceptionMetatypes: unknown[];
      }[];
      expect(found.map(({ func }) => func())).toEqual(['global', 'class', 'method']);
      expect(found.map(({ exceptionMetatypes }) => exceptionMetatypes)).toEqual([[], [], []]);
    },
  ],
  [
    'ContextCreators',
    'has creators of its own: the module that they work for is not the one of others',
    () => {
      const external = nest.app.get<unknown, { guardsContextCreator: { moduleContext?: string } }>(
        core.ExternalContextCreator,
      );
      nest.creators.guards.create(new Host(), Host.prototype.run, 'ours', nest.creators.staticContext, '');
      expect(external.guardsContextCreator.moduleContext).not.toBe('ours');
    },
  ],
  [
    'staticContext',
    'is the context of singletons',
    () =>
      expect(nest.wrapperOf(Host).getInstanceByContextId(nest.creators.staticContext).instance).toBe(
        nest.app.get(Host),
      ),
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
      const { guards: creator } = nest.creators;
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
    'requestContextKey',
    'is where ContextIdFactory looks on a request, and on what is raw in it, whatever its strategy',
    () => {
      const contextId = core.ContextIdFactory.create();
      const request = { [requestContextKey()]: contextId };
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
