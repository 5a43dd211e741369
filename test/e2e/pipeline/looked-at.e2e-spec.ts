import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, MetadataScanner } from '@nestjs/core';
import {
  Connection,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../../src/index.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

@WsEndpoint({ path: 'probe', serializer: 'json' })
class Probe {
  @OnMessage('say')
  say(): string {
    return 'said';
  }
}

/** Instances of what the module puts into the container. */
function instancesOf(app: StartedApp): object[] {
  return app.app
    .get(DiscoveryService, { strict: false })
    .getProviders()
    .filter(({ host }) => host?.metatype === PlackWebSocketModule)
    .map(({ instance }) => instance as unknown)
    .filter((instance): instance is object => typeof instance === 'object' && instance !== null);
}

/** Every name that a walk over an object and its prototypes finds, and those that others ask any object for. */
function namesOf(instance: object): Set<PropertyKey> {
  const names = new Set<PropertyKey>([
    ...['then', 'catch', 'finally', 'toJSON', 'asymmetricMatch', '$$typeof', 'nodeType', 'tagName', '__esModule'],
    ...['onModuleInit', 'onApplicationBootstrap', 'onModuleDestroy', 'beforeApplicationShutdown'],
    ...['onApplicationShutdown', 'length', 'name', 'message', 'stack', '@@__IMMUTABLE_ITERABLE__@@'],
    ...[Symbol.iterator, Symbol.asyncIterator, Symbol.toPrimitive, Symbol.toStringTag, inspect.custom],
    Symbol.for('anything'),
  ]);
  for (let level: object | null = instance; level !== null; level = Reflect.getPrototypeOf(level)) {
    for (const name of Reflect.ownKeys(level)) names.add(name);
  }
  return names;
}

describe.each<[string, PlackWebSocketModuleOptions['context']]>([
  ['of parameters', 'parameters'],
  ['async-local', 'async-local'],
])('with the context %s', (_what, context) => {
  const start = () =>
    startApp({
      endpoints: [Probe],
      imports: [DiscoveryModule],
      options: { ...(context === undefined ? {} : { context }) },
    });

  it('every name of every provider can be read and asked for', async () => {
    const instances = instancesOf(await start());
    expect(instances.length).toBeGreaterThan(5);
    for (const instance of instances) {
      for (const name of namesOf(instance)) {
        void Reflect.get(instance, name);
        void Reflect.has(instance, name);
        void Reflect.getOwnPropertyDescriptor(instance, name);
      }
    }
  });

  it('what explorers, loggers and test runners do to a provider does nothing', async () => {
    const scanner = new MetadataScanner();
    for (const instance of instancesOf(await start())) {
      for (const name of scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
        const method: unknown = Reflect.get(instance, name);
        if (typeof method === 'function') Reflect.getMetadata('any key', method);
      }
      Reflect.getMetadata('any key', (instance as { constructor: object }).constructor);
      expect(typeof inspect(instance, { depth: 0, showProxy: true })).toBe('string');
      expect(typeof inspect(instance, { depth: 0 })).toBe('string');
      expect(Object.prototype.toString.call(instance)).toMatch(/^\[object /);
      void (instance instanceof Connection);
      expect(await Promise.resolve(instance)).toBe(instance);
      expect(instance).toEqual(instance);
      expect(instance).not.toEqual({ some: 'thing' });
      expect({ some: 'thing' }).not.toEqual(instance);
    }
  });
});

/** A singleton that was given the connection being served. */
@Injectable()
class Holder {
  constructor(readonly connection: Connection) {}
}

it('Connection is a provider only where the option asks for it', async () => {
  const tokens = async (context: 'parameters' | 'async-local') =>
    (await startApp({ options: { context }, imports: [DiscoveryModule] })).app
      .get(DiscoveryService, { strict: false })
      .getProviders()
      .map(({ token }) => token as unknown);
  expect(await tokens('parameters')).not.toContain(Connection);
  expect(await tokens('async-local')).toContain(Connection);
});

describe('what stands for the connection being served', () => {
  const start = async () => {
    const app = await startApp({ endpoints: [Probe], providers: [Holder], options: { context: 'async-local' } });
    return app.app.get(Holder).connection;
  };

  it.each<[string, (connection: Connection) => unknown]>([
    ['a property is read', (connection) => connection.id],
    ['a property is set', (connection) => (connection.data = {})],
    ['a method is called', (connection) => connection.send('x')],
    ['a method that was taken off is called', ({ close }) => close()],
  ])('says outside of a connection why not when %s', async (_what, use) => {
    const connection = await start();
    expect(() => use(connection)).toThrow(/No connection is being served here.*@OnEstablish, @OnMessage and @OnFinish/);
  });

  it('shows itself as empty, knows the names of a connection and prints', async () => {
    const connection = await start();
    expect(Reflect.ownKeys(connection)).toEqual([]);
    expect(['id', 'send', 'nothing'].map((name) => name in connection)).toEqual([true, true, false]);
    expect(JSON.stringify(connection)).toBe('{}');
    expect(String(connection)).toBe('[object Object]');
    expect(inspect(connection)).toBe('NoConnection {}');
    expect(connection.constructor).toBe(Connection);
    // A test that fails prints both sides.
    expect(() => expect(connection).toBe(undefined)).toThrow('Received: {}');
  });

  it('is a connection while one is being served', async () => {
    @WsEndpoint('reflect')
    class Reflecting {
      constructor(private readonly current: Connection) {}

      @OnMessage()
      look(connection: Connection): string {
        const { current } = this;
        (connection as unknown as { mark: string }).mark = 'of the application';
        return JSON.stringify([
          current instanceof Connection,
          current.id === connection.id,
          current.to('*').size === 1,
          Reflect.get(current, 'mark'),
          Object.getPrototypeOf(current) === Object.getPrototypeOf(connection),
        ]);
      }
    }
    const app = await startApp({ endpoints: [Reflecting], options: { context: 'async-local' } });
    const client = await app.connect('/ws/reflect');
    void client.send('look');
    expect(await client.nextJson()).toEqual([true, true, true, 'of the application', true]);
  });
});

it('with forRootAsync, whose options are not known in time, using it says which option is missing', async () => {
  const app = await startApp({
    options: false,
    imports: [PlackWebSocketModule.forRootAsync({ useFactory: () => ({}) })],
    providers: [Holder],
  });
  const { connection } = app.app.get(Holder);
  expect(() => connection.id).toThrow(/context: 'async-local'.*parameter of the method/);
});
