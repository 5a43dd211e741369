import type { Server } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, UseGuards, type CanActivate, type INestApplication, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ConfigurationError,
  ConnectionRegistry,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
} from '../../src/index.js';
import { LogRecorder } from '../support/log-recorder.js';
import { afterTest, bootError, startApp, StartedApp } from '../support/start-app.js';

class NameGuard implements CanActivate {
  canActivate(context: Parameters<CanActivate['canActivate']>[0]): boolean {
    return 'name' in context.switchToHttp().getRequest<{ query: object }>().query;
  }
}

@UseGuards(NameGuard)
@WsEndpoint({ path: 'room', serializer: 'json' })
class Room {
  @OnMessage('say')
  say(text: string): string {
    return this.form(text);
  }

  protected form(text: string): string {
    return text;
  }
}

class LoudRoom extends Room {
  protected override form(text: string): string {
    return text.toUpperCase();
  }
}

/** What a guest and a named client get, and what was worth a warning. */
async function ask(app: StartedApp): Promise<unknown[]> {
  const guest: unknown = await app.connect('/ws/room').catch((error: { status: number }) => error.status);
  const client = await app.connect('/ws/room?name=ada');
  void client.send({ event: 'say', data: 'hello' });
  return [guest, await client.nextJson(), app.logs.problems];
}

const LOUD = [403, { event: 'say', data: 'HELLO' }, []];

describe('a subclass of an endpoint without a decorator of its own', () => {
  it('serves what the base would: its path, options, guards and methods', async () => {
    expect(await ask(await startApp({ endpoints: [LoudRoom] }))).toEqual(LOUD);
  });

  it('serves as the class of a provider whose token is the base, and is found by it', async () => {
    const app = await startApp({ providers: [{ provide: Room, useClass: LoudRoom }] });
    expect(await ask(app)).toEqual(LOUD);
    const client = await app.connect('/ws/room?name=ada');
    expect(app.registry.in(Room).size).toBe(2);
    expect(app.registry.in(LoudRoom).size).toBe(2);
    expect(app.registry.url(Room)).toBe(`ws://127.0.0.1:${app.port}/ws/room`);
    expect(app.registry.url(LoudRoom)).toBe(app.registry.url(Room));
    expect(app.registry.in(Room).broadcast({ event: 'all' })).toMatchObject({ sent: 2 });
    expect(await client.nextJson()).toEqual({ event: 'all' });
  });

  it('serves as the replacement in a test', async () => {
    @Module({ imports: [PlackWebSocketModule.forRoot()], providers: [Room] })
    class ChatModule {}
    const logs = new LogRecorder();
    const module = await Test.createTestingModule({ imports: [ChatModule] })
      .overrideProvider(Room)
      .useClass(LoudRoom)
      .setLogger(logs)
      .compile();
    const app = module.createNestApplication<INestApplication<Server>>();
    afterTest(() => app.close());
    await app.listen(0, '127.0.0.1');
    expect(await ask(new StartedApp(app, logs))).toEqual(LOUD);
    expect(app.get(ConnectionRegistry).in(Room).size).toBe(1);
  });

  it('stops the application where the base is provided too, with both names and the ways out', async () => {
    const error = await bootError({ endpoints: [Room, LoudRoom] });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(
      'LoudRoom inherits @WsEndpoint of Room, and both are provided, so both would serve one path. ' +
        'Provide one of them ({ provide: Room, useClass: LoudRoom }), or give LoudRoom a @WsEndpoint with a path of its own.',
    );
  });

  it('is told apart from one with a decorator of its own, which has nothing of the options of the base', async () => {
    @WsEndpoint({ path: 'other', serializer: 'json' })
    class Other extends Room {}
    const app = await startApp({ endpoints: [Room, Other] });
    await app.connect('/ws/room?name=ada');
    await app.connect('/ws/other?name=ada');
    const count = (type: Type): number => app.registry.in(type).size;
    expect([count(Room), count(Other)]).toEqual([1, 1]);
  });

  it('is refused where a value stands in its place', async () => {
    @Injectable()
    class Unserved extends LoudRoom {}
    const error = await bootError({ providers: [{ provide: Unserved, useValue: {} }] });
    expect(error.message).toMatch(/^Unserved is a value \(useValue\) in AppModule\. /);
  });
});
