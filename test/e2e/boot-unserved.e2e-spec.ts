import type { Server } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, type INestApplication, type Provider } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { OnMessage, PlackWebSocketModule, WsEndpoint } from '../../src/index.js';
import { LogRecorder } from '../support/log-recorder.js';
import { afterTest, bootError, rootModule, startApp, StartedApp } from '../support/start-app.js';

class Echo {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

describe('an endpoint that no module provides', () => {
  it('is warned of at boot, once in a process', async () => {
    class Forgotten extends Echo {}
    WsEndpoint('forgotten')(Forgotten);
    const first = await startApp();
    const second = await startApp();
    expect(first.logs.at('warn')).toContain(
      'Forgotten has @WsEndpoint and is not served, because no module provides it. ' +
        'Add it to the providers of a module that the application imports. PlackWebSocket',
    );
    expect(second.logs.problems).toEqual([]);
  });

  it('is no news when it is the base of one that is served', async () => {
    @WsEndpoint('base')
    class Base extends Echo {}
    @WsEndpoint('derived')
    class Derived extends Base {}
    const app = await startApp({ endpoints: [Derived] });
    expect(app.logs.problems).toEqual([]);
  });

  it('is no news where no server is', async () => {
    @WsEndpoint('somewhere-else')
    class SomewhereElse extends Echo {}
    const logger = new LogRecorder();
    const context = await NestFactory.createApplicationContext(rootModule({}), { logger, abortOnError: false });
    await context.close();
    expect(logger.problems).toEqual([]);
    const app = await startApp({ endpoints: [SomewhereElse] });
    expect(app.logs.problems).toEqual([]);
  });
});

describe('an endpoint that a test overrides', () => {
  @WsEndpoint('room')
  class Room extends Echo {}

  class Undecorated extends Echo {}

  async function boot(override: (builder: TestingModuleBuilder) => TestingModuleBuilder): Promise<StartedApp> {
    @Module({ imports: [PlackWebSocketModule.forRoot()], providers: [Room] })
    class ChatModule {}
    const logs = new LogRecorder();
    const module = await override(Test.createTestingModule({ imports: [ChatModule] }).setLogger(logs)).compile();
    const app = module.createNestApplication<INestApplication<Server>>();
    afterTest(() => app.close());
    await app.listen(0, '127.0.0.1');
    return new StartedApp(app, logs);
  }

  it('by an undecorated class is warned of, and answers 404', async () => {
    const app = await boot((builder) => builder.overrideProvider(Room).useClass(Undecorated));
    expect(app.logs.at('warn')).toEqual([
      'Room is not served: ChatModule has the class Undecorated without @WsEndpoint in its place. ' +
        'Put a class with @WsEndpoint there (useClass), as in a test that replaces an endpoint. PlackWebSocket',
    ]);
    await expect(app.connect('/ws/room')).rejects.toMatchObject({ status: 404 });
  });

  it.each<[string, string, (builder: TestingModuleBuilder) => TestingModuleBuilder]>([
    ['a value', 'a value (useValue)', (builder) => builder.overrideProvider(Room).useValue(new Room())],
    ['any value', 'a value (useValue)', (builder) => builder.overrideProvider(Room).useValue({})],
    [
      'a factory',
      'the result of a factory (useFactory)',
      (builder) => builder.overrideProvider(Room).useFactory({ factory: () => new Room() }),
    ],
  ])('by %s is refused', async (_what, named, override) => {
    await expect(boot(override)).rejects.toThrow(
      `Room is ${named} in ChatModule. Nest finds guards, scope and the like of classes only, so it could not be served. ` +
        'Provide a class: Room, or { provide: Room, useClass: … } with another one, as in a test; ',
    );
  });

  it('by a class with @WsEndpoint is served by that', async () => {
    @WsEndpoint('room')
    class Fake {
      @OnMessage()
      answer(): string {
        return 'fake';
      }
    }
    const app = await boot((builder) => builder.overrideProvider(Room).useClass(Fake));
    expect(app.logs.problems).toEqual([]);
    const client = await app.connect('/ws/room');
    void client.send('?');
    expect(await client.next()).toBe('fake');
  });
});

describe('an endpoint under a name of its own', () => {
  @WsEndpoint('room')
  class Room extends Echo {}

  it.each<[string, string, Provider]>([
    ['by a value', 'a value (useValue)', { provide: 'ROOM', useValue: new Room() }],
    ['by a factory', 'the result of a factory (useFactory)', { provide: 'ROOM', useFactory: async () => new Room() }],
  ])('%s is refused', async (_how, named, provider) => {
    const error = await bootError({ providers: [provider] });
    expect(error.message).toMatch(
      `Room is ${named} in AppModule. Nest finds guards, scope and the like of classes only, so it could not be served. ` +
        'Provide a class: Room, or { provide: "ROOM", useClass: … } with another one',
    );
  });

  it('by a factory that hands on the provided one is served', async () => {
    const app = await startApp({
      endpoints: [Room],
      providers: [{ provide: 'ROOM', inject: [Room], useFactory: (room: Room) => room }],
    });
    const client = await app.connect('/ws/room');
    void client.send('?');
    expect(await client.next()).toBe('?');
  });

  it('is found beside values that throw when they are looked at', async () => {
    const hostile = new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error('do not look');
        },
      },
    );
    const app = await startApp({
      endpoints: [Room],
      providers: [
        { provide: 'HOSTILE', useFactory: () => hostile },
        { provide: 'BARE', useValue: Object.create(null) },
        { provide: 'NOTHING', useValue: null },
      ],
    });
    await app.connect('/ws/room');
    expect(app.logs.problems).toEqual([]);
  });
});

it('an endpoint whose token stands for another provider is warned of', async () => {
  @Injectable()
  class Fake extends Echo {}
  @WsEndpoint('room')
  class Room extends Echo {}
  @WsEndpoint('other')
  class Other extends Echo {}
  @WsEndpoint('moved')
  class Moved extends Echo {}
  const app = await startApp({
    providers: [Fake, Other, { provide: Room, useExisting: Fake }, { provide: Moved, useExisting: Other }],
  });
  expect(app.logs.at('warn')).toEqual([
    expect.stringMatching(/^Room is not served: AppModule has another provider in its place\./),
  ]);
});

it('an endpoint of a module that is loaded lazily is warned of when a client asks for a path that is not there', async () => {
  const app = await startApp();
  @WsEndpoint('late')
  class Late extends Echo {}
  @Module({ providers: [Late] })
  class LateModule {}
  await app.app.get(LazyModuleLoader).load(() => LateModule);
  expect(app.logs.problems).toEqual([]);
  for (const path of ['/ws/late', '/ws/late', '/elsewhere']) {
    await expect(app.connect(path)).rejects.toMatchObject({ status: 404 });
  }
  expect(app.logs.at('warn')).toEqual([
    'Late is not served: LateModule was loaded after the application had started. ' +
      'Import that module in one that is there at the start. PlackWebSocket',
  ]);
});
