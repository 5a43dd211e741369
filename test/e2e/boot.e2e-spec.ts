import { describe, expect, it } from '@jest/globals';
import { Module, Res, Scope, type Type } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  ConfigurationError,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { bootError, startApp, type AppSpec } from '../support/start-app.js';

/** Boots and gives the message of the ConfigurationError that stopped it. */
async function complaint(spec: AppSpec): Promise<string> {
  const error = await bootError(spec);
  expect(error).toBeInstanceOf(ConfigurationError);
  return error.message;
}

@WsEndpoint('rooms/:room')
class Room {
  @OnEstablish()
  enter(): void {}
}

describe('endpoints that stop the application', () => {
  it.each<[string, string, string]>([
    ['the same path', 'rooms', 'rooms'],
    ['paths that differ in slashes', 'rooms', '/rooms/'],
    ['the same parameters', 'rooms/:room', 'rooms/:room'],
    ['parameters of other names', 'rooms/:room', 'rooms/:id'],
    ['wildcards of other names', 'files/*path', 'files/*rest'],
    ['optional parts of other names', 'a{/:x}', 'a{/:y}'],
    ['the path of the module', '', '/'],
  ])('two on one pattern: %s', async (_what, one, other) => {
    @WsEndpoint(one)
    class First {
      @OnEstablish()
      enter(): void {}
    }
    @WsEndpoint(other)
    class Second {
      @OnEstablish()
      enter(): void {}
    }
    const message = await complaint({ endpoints: [First, Second] });
    expect(message).toContain('First');
    expect(message).toContain('Second');
    expect(message).toContain('Give one of them another path');
  });

  it('one on a path that is no pattern', async () => {
    for (const path of ['rooms/:', 'rooms/*', 'rooms/{:room', 'rooms/(a|b)', 'rooms/:room?', 'a/:x:y']) {
      @WsEndpoint(path)
      class Bad {
        @OnEstablish()
        enter(): void {}
      }
      expect(await complaint({ endpoints: [Bad] })).toContain(JSON.stringify(`/ws/${path}`));
    }
  });

  it.each<[string, MethodDecorator]>([
    ['@OnEstablish()', OnEstablish()],
    ['@OnFinish()', OnFinish()],
    // oxlint-disable-next-line unicorn/throw-new-error -- a decorator that is named like an error
    ['@OnError()', OnError()],
    ['@OnMessage()', OnMessage()],
    ["@OnMessage('say')", OnMessage('say')],
    ['@OnMessage({ binary: true })', OnMessage({ binary: true })],
  ])('two methods for %s in one class', async (name, decorator) => {
    class Twice {
      one(): void {}
      two(): void {}
    }
    mark(Twice, decorator, decorator);
    WsEndpoint({ path: 'twice', serializer: 'json' })(Twice);
    expect(await complaint({ endpoints: [Twice] })).toContain(`Twice has two methods with ${name}: one and two`);
  });

  it('a method of a subclass for what an inherited one does', async () => {
    class Base {
      @OnMessage()
      base(): void {}
    }
    @WsEndpoint('derived')
    class Derived extends Base {
      @OnMessage()
      own(): void {}
    }
    expect(await complaint({ endpoints: [Derived] })).toContain('Derived has two methods with @OnMessage()');
  });

  it('one without any handler', async () => {
    @WsEndpoint('silent')
    class Silent {
      say(): void {}
    }
    expect(await complaint({ endpoints: [Silent] })).toBe(
      'Silent is an endpoint without a handler: clients would connect, and what they send would be lost. ' +
        'Decorate a method with @OnEstablish(), @OnMessage() or @OnFinish(), or take @WsEndpoint off the class.',
    );
  });

  it('one with the methods of a gateway, which nothing calls here', async () => {
    @WsEndpoint('moved')
    class Moved {
      handleConnection(): void {}
      handleDisconnect(): void {}
    }
    expect(await complaint({ endpoints: [Moved] })).toContain(
      'Decorate handleConnection with @OnEstablish() and handleDisconnect with @OnFinish().',
    );
  });

  it.each<[string, unknown, string]>([
    ['an event', 'say', "@SubscribeMessage('say')"],
    ['a pattern', { say: 1 }, '@SubscribeMessage({"say":1})'],
  ])('a method with @SubscribeMessage for %s, with the way out', async (_what, event, decorator) => {
    class Moved {
      @OnEstablish()
      enter(): void {}
      say(): void {}
    }
    const say = Object.getOwnPropertyDescriptor(Moved.prototype, 'say') ?? {};
    SubscribeMessage(event as string)(Moved.prototype, 'say', say as never);
    WsEndpoint({ path: 'moved', serializer: 'json' })(Moved);
    const message = await complaint({ endpoints: [Moved] });
    expect(message).toContain(`Moved.say has ${decorator}, which only a @WebSocketGateway class serves.`);
    expect(message).toContain(`Write @OnMessage('say')`);
  });

  it('an event on the raw serializer, with the way out', async () => {
    @WsEndpoint('raw')
    class Raw {
      @OnMessage('say')
      say(): void {}
    }
    const message = await complaint({ endpoints: [Raw] });
    expect(message).toContain(`Raw has @OnMessage('say') but the raw serializer`);
    expect(message).toContain(`Set serializer: 'json'`);
  });

  it('a class in two modules, with the names of both', async () => {
    @Module({ providers: [Room] })
    class ChatModule {}
    @Module({ providers: [Room] })
    class LobbyModule {}
    const message = await complaint({ imports: [ChatModule, LobbyModule] });
    expect(message).toMatch(/Room is provided by (ChatModule and by LobbyModule|LobbyModule and by ChatModule)/);
  });

  it('a transient one', async () => {
    @WsEndpoint({ path: 'transient', scope: Scope.TRANSIENT })
    class Transient {
      @OnEstablish()
      enter(): void {}
    }
    expect(await complaint({ endpoints: [Transient] })).toContain('Transient has transient scope');
  });

  it.each<[string, MethodDecorator]>([
    ['@OnMessage()', OnMessage()],
    ['@OnEstablish()', OnEstablish()],
    ['@OnFinish()', OnFinish()],
  ])('a parameter that means nothing on a WebSocket: @Res() in %s', async (_method, decorator) => {
    class Bad {
      one(_response: unknown): void {}
    }
    Res()(Bad.prototype, 'one', 0);
    mark(Bad, decorator);
    WsEndpoint('bad')(Bad);
    const message = await complaint({ endpoints: [Bad] });
    expect(message).toContain('Parameter 1 of Bad.one has a decorator that means nothing on a WebSocket');
    expect(message).toContain('@MessageBody');
  });

  it.each<[string, PlackWebSocketModuleOptions]>([
    ['the same options', {}],
    ['other options', { path: '/other' }],
  ])('the module imported twice, the second time with %s', async (_what, options) => {
    @Module({ imports: [PlackWebSocketModule.forRoot(options)] })
    class FeatureModule {}
    const message = await complaint({ endpoints: [Room], imports: [FeatureModule] });
    expect(message).toContain('PlackWebSocketModule is imported twice: by FeatureModule and by another module.');
    expect(message).toContain('Import it once, in the root module');
    expect(message).not.toContain('different');
  });

  it('the module imported three times, with the names of all', async () => {
    @Module({ imports: [PlackWebSocketModule.forRoot()] })
    class ChatModule {}
    @Module({ imports: [PlackWebSocketModule.forRoot(), ChatModule] })
    class LobbyModule {}
    @Module({ imports: [PlackWebSocketModule.forRootAsync({ useFactory: () => ({}) }), LobbyModule] })
    class HallModule {}
    expect(await complaint({ options: false, imports: [HallModule] })).toMatch(
      /is imported 3 times: by (?:ChatModule|LobbyModule|HallModule)(?: and by (?:ChatModule|LobbyModule|HallModule)){2}\./,
    );
  });
});

describe('endpoints that do not', () => {
  it('are found through aliases and re-exports once', async () => {
    @Module({ providers: [Room, { provide: 'ALIAS', useExisting: Room }], exports: [Room, 'ALIAS'] })
    class ChatModule {}
    @Module({ imports: [ChatModule], exports: [ChatModule] })
    class ReExport {}
    const app = await startApp({ imports: [ChatModule, ReExport] });
    await app.connect('/ws/rooms/1');
    expect(app.registry.in(Room).size).toBe(1);
    expect(app.logs.at('log').filter((line) => line.includes('Mapped {/ws'))).toHaveLength(1);
  });

  it('share a path with parameters: text goes before a parameter, a parameter before a wildcard', async () => {
    const classes = ['rooms/lobby', 'rooms/:room', 'rooms/*rest', 'rooms/:room/members', ':kind/lobby'].map((path) => {
      @WsEndpoint(path)
      class Endpoint {
        @OnEstablish()
        enter(): void {}
      }
      Object.defineProperty(Endpoint, 'name', { value: path });
      return Endpoint;
    });
    const app = await startApp({ endpoints: classes.toReversed() });
    const served: [string, string][] = [];
    for (const path of [
      'rooms/lobby',
      'rooms/x',
      'rooms/x/y',
      'rooms/x/members',
      'halls/lobby',
      'rooms/lobby/members',
    ]) {
      await app.connect(`/ws/${path}`);
      served.push([path, [...app.registry].at(-1)?.endpoint.name ?? '']);
    }
    expect(served).toEqual([
      ['rooms/lobby', 'rooms/lobby'],
      ['rooms/x', 'rooms/:room'],
      ['rooms/x/y', 'rooms/*rest'],
      ['rooms/x/members', 'rooms/:room/members'],
      ['halls/lobby', ':kind/lobby'],
      ['rooms/lobby/members', 'rooms/:room/members'],
    ]);
  });

  it('have handlers by inheritance alone', async () => {
    class Base {
      @OnMessage()
      answer(): string {
        return 'inherited';
      }
    }
    @WsEndpoint('derived')
    class Derived extends Base {}
    const app = await startApp({ endpoints: [Derived] });
    const client = await app.connect('/ws/derived');
    void client.send('?');
    expect(await client.next()).toBe('inherited');
  });

  it('are a gateway as well, or share a method with one', async () => {
    @WebSocketGateway({ path: '/gateway' })
    @WsEndpoint({ path: 'both', serializer: 'json' })
    class Both {
      @OnMessage('ask')
      @SubscribeMessage('ask')
      answer(): unknown {
        return { event: 'ask', data: 'both' };
      }

      @SubscribeMessage('gateway only')
      other(): void {}
    }
    class Shared {
      @OnMessage('ask')
      @SubscribeMessage('ask')
      answer(): string {
        return 'shared';
      }
    }
    @WsEndpoint({ path: 'shared', serializer: 'json' })
    class Own extends Shared {}
    const app = await startApp({ endpoints: [Both, Own], options: { gateways: true } });
    for (const path of ['/gateway', '/ws/both', '/ws/shared']) {
      const client = await app.connect(path);
      void client.send({ event: 'ask' });
      expect(await client.nextJson()).toMatchObject({ event: 'ask' });
    }
  });

  it('are served by a method that overrides an inherited one and is decorated again', async () => {
    class Base {
      @OnMessage()
      answer(): string {
        return 'base';
      }
    }
    @WsEndpoint('derived')
    class Derived extends Base {
      @OnMessage()
      override answer(): string {
        return `derived from ${super.answer()}`;
      }
    }
    const app = await startApp({ endpoints: [Derived] });
    const client = await app.connect('/ws/derived');
    void client.send('?');
    expect(await client.next()).toBe('derived from base');
  });

  it('are named in the log with the path they serve', async () => {
    @WsEndpoint()
    class Root {
      @OnEstablish()
      enter(): void {}
    }
    const app = await startApp({ endpoints: [Root, Room], options: { path: 'live' } });
    expect(app.logs.at('log')).toEqual(
      expect.arrayContaining([
        'Mapped {/live, WS} Root PlackWebSocket',
        'Mapped {/live/rooms/:room, WS} Room PlackWebSocket',
      ]),
    );
    await app.connect('/live');
  });
});

/** Puts decorators on the methods `one` and `two` of a class. */
function mark(target: Type, ...decorators: MethodDecorator[]): void {
  const prototype = target.prototype as object;
  decorators.forEach((decorator, index) => {
    const name = index === 0 ? 'one' : 'two';
    decorator(prototype, name, Object.getOwnPropertyDescriptor(prototype, name) ?? {});
  });
}
