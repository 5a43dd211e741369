import { describe, expect, it } from '@jest/globals';
import { Module, Scope, SetMetadata, UseGuards, type DynamicModule, type Type } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { SubscribeMessage } from '@nestjs/websockets';
import {
  ConnectionRegistry,
  isPlackContext,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  WsEndpointPart,
  type ClassReference,
} from '../../../src/index.js';
import { bootError, startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

/** What an endpoint answers to an event. */
async function answerOf(app: StartedApp, path: string, event: string): Promise<unknown> {
  const client = await app.connect(path);
  void client.send({ event });
  return client.nextJson();
}

const UNKNOWN = { event: 'error', data: { code: 'unknown_event', message: expect.any(String) } };

@WsEndpoint({ path: 'room', serializer: 'json' })
class Room {
  @OnMessage('open')
  open(): string {
    return 'room';
  }
}

@WsEndpoint({ path: 'lobby', serializer: 'json' })
class Lobby {
  @OnMessage('open')
  open(): string {
    return 'lobby';
  }
}

class Says {
  @OnMessage('say')
  say(): string {
    return 'said';
  }
}

/** A part that is named in this way. */
function partOf(endpoints?: ClassReference | readonly ClassReference[]): Type {
  class Chat extends Says {}
  (endpoints === undefined ? WsEndpointPart() : WsEndpointPart(endpoints))(Chat);
  return Chat;
}

describe('a part belongs to the endpoint', () => {
  it.each<[string, ClassReference | readonly ClassReference[]]>([
    ['by its class', Room],
    ['by a function, for files that import each other', () => Room],
    ['by a list', [Room]],
    ['by a list of functions', [() => Room]],
  ])('%s', async (_how, endpoints) => {
    const app = await startApp({ endpoints: [Room, Lobby, partOf(endpoints)] });
    expect(await answerOf(app, '/ws/room', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(await answerOf(app, '/ws/lobby', 'say')).toEqual(UNKNOWN);
    expect(app.logs.problems).toEqual([]);
  });

  it('to each of several', async () => {
    const app = await startApp({ endpoints: [Room, Lobby, partOf([Room, () => Lobby])] });
    expect(await answerOf(app, '/ws/room', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(await answerOf(app, '/ws/lobby', 'say')).toEqual({ event: 'say', data: 'said' });
  });

  it.each<[string, (part: Type) => ClassReference]>([
    ['that names it', (part) => part],
    ['that names it by a function', (part) => () => part],
  ])('%s in its options', async (_how, refer) => {
    const part = partOf();
    @WsEndpoint({ path: 'hall', serializer: 'json', parts: [refer(part)] })
    class Hall {}
    const app = await startApp({ endpoints: [Hall, Room, part] });
    expect(await answerOf(app, '/ws/hall', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(await answerOf(app, '/ws/room', 'say')).toEqual(UNKNOWN);
    expect(app.logs.problems).toEqual([]);
  });

  it('once, where both sides name the other', async () => {
    @WsEndpoint({ path: 'hall', serializer: 'json', parts: [() => Chat] })
    class Hall {}
    @WsEndpointPart(Hall)
    class Chat extends Says {}
    const app = await startApp({ endpoints: [Hall, Chat] });
    expect(await answerOf(app, '/ws/hall', 'say')).toEqual({ event: 'say', data: 'said' });
  });

  it('whose subclass a provider puts in its place', async () => {
    class LoudRoom extends Room {
      override open(): string {
        return 'LOUD';
      }
    }
    OnMessage('open')(LoudRoom.prototype, 'open', Object.getOwnPropertyDescriptor(LoudRoom.prototype, 'open') ?? {});
    const app = await startApp({ endpoints: [partOf(Room)], providers: [{ provide: Room, useClass: LoudRoom }] });
    expect(await answerOf(app, '/ws/room', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(await answerOf(app, '/ws/room', 'open')).toEqual({ event: 'open', data: 'LOUD' });
    expect(app.registry.in(Room).size).toBe(2);
    expect(app.logs.problems).toEqual([]);
  });

  it('that another class stands for, without being a subclass', async () => {
    const app = await startApp({ endpoints: [partOf(Room)], providers: [{ provide: Room, useClass: Lobby }] });
    expect(await answerOf(app, '/ws/lobby', 'say')).toEqual({ event: 'say', data: 'said' });
  });

  it('that extends the class it names', async () => {
    @WsEndpoint({ path: 'side-room', serializer: 'json' })
    class SideRoom extends Room {}
    abstract class Base {}
    @WsEndpoint({ path: 'based', serializer: 'json' })
    class Based extends Base {}
    const app = await startApp({ endpoints: [Room, SideRoom, Based, partOf([Room, Base as Type])] });
    for (const path of ['/ws/room', '/ws/side-room', '/ws/based'])
      expect(await answerOf(app, path, 'say')).toEqual({ event: 'say', data: 'said' });
  });

  it('with what a provider puts in its own place', async () => {
    const part = partOf(Room);
    class LoudChat extends part {
      say(): string {
        return 'LOUD';
      }
    }
    OnMessage('say')(LoudChat.prototype, 'say', Object.getOwnPropertyDescriptor(LoudChat.prototype, 'say') ?? {});
    @WsEndpointPart()
    class QuietChat {
      @OnMessage('say')
      say(): string {
        return 'quiet';
      }
    }
    @WsEndpoint({ path: 'hall', serializer: 'json', parts: [part] })
    class Hall {}
    const loud = await startApp({ endpoints: [Room, Hall], providers: [{ provide: part, useClass: LoudChat }] });
    expect(await answerOf(loud, '/ws/room', 'say')).toEqual({ event: 'say', data: 'LOUD' });
    expect(await answerOf(loud, '/ws/hall', 'say')).toEqual({ event: 'say', data: 'LOUD' });
    const quiet = await startApp({ endpoints: [Hall], providers: [{ provide: part, useClass: QuietChat }] });
    expect(await answerOf(quiet, '/ws/hall', 'say')).toEqual({ event: 'say', data: 'quiet' });
  });
});

describe('the module of a part', () => {
  it('may be any, and is imported with several options for one part', async () => {
    const part = partOf(Room);
    @Module({})
    class ChatModule {
      static forFeature(name: string): DynamicModule {
        return { module: ChatModule, providers: [{ provide: 'NAME', useValue: name }, part] };
      }
    }
    const app = await startApp({
      endpoints: [Room],
      imports: [ChatModule.forFeature('a'), ChatModule.forFeature('b')],
    });
    expect(await answerOf(app, '/ws/room', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(app.logs.at('log')).toContainEqual('Mapped {/ws/room, WS} Room + Chat (1 event) PlackWebSocket');
    expect(app.logs.problems).toEqual([]);
  });

  it('is one: two that provide it are refused', async () => {
    const part = partOf(Room);
    @Module({ providers: [part] })
    class First {}
    @Module({ providers: [part] })
    class Second {}
    const error = await bootError({ endpoints: [Room], imports: [First, Second] });
    expect(error.message).toBe(
      'Chat is provided by First and by Second, so it would serve its events twice. ' +
        'Provide it in one module and import that module where it is injected.',
    );
  });

  it('counts in its own application alone', async () => {
    // The first application of a process tells of all classes that no module provides.
    const third = await startApp({ endpoints: [Room] });
    const part = partOf([Room, Lobby]);
    const first = await startApp({ endpoints: [Room, part] });
    const second = await startApp({ endpoints: [Lobby, part] });
    expect(await answerOf(first, '/ws/room', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(await answerOf(second, '/ws/lobby', 'say')).toEqual({ event: 'say', data: 'said' });
    expect(await answerOf(third, '/ws/room', 'say')).toEqual(UNKNOWN);
    expect([first, second].flatMap(({ logs }) => logs.problems)).toEqual([]);
  });

  it('is warned of when it is loaded after the start, as soon as a client comes', async () => {
    const app = await startApp({ endpoints: [Room] });
    const part = partOf(Room);
    @Module({ providers: [part] })
    class LateModule {}
    await app.app.get(LazyModuleLoader).load(() => LateModule);
    for (let clients = 0; clients < 2; clients++) expect(await answerOf(app, '/ws/room', 'say')).toEqual(UNKNOWN);
    expect(app.logs.at('warn')).toEqual([
      'Chat is not served: LateModule was loaded after the application had started. ' +
        'Import that module in one that is there at the start. PlackWebSocket',
    ]);
  });
});

describe('a part without an endpoint', () => {
  it('is warned of where no module provides it', async () => {
    const app = await startApp({ endpoints: [partOf(Room), partOf([Room, () => Lobby])] });
    expect(app.logs.at('warn')).toEqual([
      'Chat is not served: it is a part of Room, which no module provides. ' +
        'Add the endpoint to the providers of a module that the application imports. PlackWebSocket',
      'Chat is not served: it is a part of Room or Lobby, which no module provides. ' +
        'Add the endpoint to the providers of a module that the application imports. PlackWebSocket',
    ]);
  });

  it('is warned of where neither side names the other', async () => {
    const app = await startApp({ endpoints: [Room, partOf()] });
    expect(app.logs.at('warn')).toEqual([
      'Chat is not served: its @WsEndpointPart() names no endpoint, and no endpoint has it in its option parts. ' +
        'Name one: @WsEndpointPart(RoomEndpoint). PlackWebSocket',
    ]);
  });

  it('is warned of where no module provides the part itself', async () => {
    @WsEndpointPart(Room)
    class Forgotten extends Says {}
    expect(Forgotten).toBeDefined();
    const app = await startApp({ endpoints: [Room] });
    expect(app.logs.at('warn')).toEqual([
      'Forgotten has @WsEndpointPart and is not served, because no module provides it. ' +
        'Add it to the providers of a module that the application imports. PlackWebSocket',
    ]);
  });
});

describe('what cannot be a part is an error at boot:', () => {
  class Plain extends Says {}

  const specs: Readonly<Record<string, [spec: () => AppSpec, message: string | RegExp]>> = {
    'a part of a class that is no endpoint': [
      () => ({ endpoints: [Room, partOf(Plain)] }),
      'Chat is a part of Plain, which is not an endpoint. Decorate Plain with @WsEndpoint, or name another class.',
    ],
    'a part of a part': [
      () => {
        @WsEndpointPart(partOf(Room))
        class Nested extends Says {}
        return { endpoints: [Room, Nested] };
      },
      'Nested is a part of Chat, which is a part itself. Name the endpoint: @WsEndpointPart(RoomEndpoint).',
    ],
    'an endpoint that is a part too': [
      () => {
        @WsEndpointPart(Room)
        class Both extends Lobby {}
        return { endpoints: [Room, Both] };
      },
      /^Both is an endpoint and a part of one, by @WsEndpoint and @WsEndpointPart, its own or those of a base\. /,
    ],
    'a function that gives undefined': [
      () => ({ endpoints: [partOf(() => undefined as unknown as Type)] }),
      '@WsEndpointPart of Chat has undefined in the place of a class: their files import each other. ' +
        'Write a function: () => RoomEndpoint.',
    ],
    'a function that gives something else': [
      () => ({ endpoints: [partOf(() => 'Room' as unknown as Type)] }),
      '@WsEndpointPart of Chat has string in the place of a class. Write RoomEndpoint or () => RoomEndpoint.',
    ],
    'a class among the parts of an endpoint without the decorator': [
      () => {
        @WsEndpoint({ path: 'hall', serializer: 'json', parts: [Plain] })
        class Hall {}
        return { endpoints: [Hall, Plain] };
      },
      'Hall has Plain in its parts, a class without @WsEndpointPart(). Decorate it.',
    ],
    'an endpoint among the parts of an endpoint': [
      () => {
        @WsEndpoint({ path: 'hall', serializer: 'json', parts: [Room] })
        class Hall {}
        return { endpoints: [Hall, Room] };
      },
      'Hall has Room in its parts, which is an endpoint itself.',
    ],
    'a part of an endpoint that no module provides': [
      () => {
        @WsEndpoint({ path: 'hall', serializer: 'json', parts: [partOf()] })
        class Hall {}
        return { endpoints: [Hall] };
      },
      'Hall has Chat in its parts, and no module provides it. Add it to the providers of a module that the application imports.',
    ],
    'undefined among the parts of an endpoint': [
      () => {
        @WsEndpoint({ path: 'hall', serializer: 'json', parts: [undefined as unknown as Type] })
        class Hall {}
        return { endpoints: [Hall] };
      },
      'The option parts of Hall has undefined in the place of a class: their files import each other. ' +
        'Write a function: () => RoomEndpoint.',
    ],
    'parts that are not a list': [
      () => {
        @WsEndpoint({ path: 'hall', serializer: 'json', parts: 'Chat' as unknown as Type[] })
        class Hall {
          @OnMessage()
          all(): void {}
        }
        return { endpoints: [Hall] };
      },
      /@WsEndpoint of Hall: parts must be a list of classes/,
    ],
    'a part without a handler': [
      () => {
        @WsEndpointPart(Room)
        class Empty {}
        return { endpoints: [Room, Empty] };
      },
      /^Empty is a part without a handler: it would do nothing\. Decorate a method with @OnEstablish\(\)/,
    ],
    'an endpoint without a handler and without parts': [
      () => {
        @WsEndpoint('empty')
        class Empty {}
        return { endpoints: [Empty] };
      },
      /^Empty is an endpoint without a handler/,
    ],
    'a part of transient scope': [
      () => {
        @WsEndpointPart(Room, { scope: Scope.TRANSIENT })
        class Fleeting extends Says {}
        return { endpoints: [Room, Fleeting] };
      },
      /^Fleeting has transient scope/,
    ],
    'a part with a decorator of gateways': [
      () => {
        @WsEndpointPart(Room)
        class Stock extends Says {
          @SubscribeMessage('shout')
          shout(): void {}
        }
        return { endpoints: [Room, Stock] };
      },
      /^Stock\.shout has @SubscribeMessage\('shout'\)/,
    ],
    'an event that the endpoint has as well': [
      () => {
        @WsEndpointPart(Room)
        class Chat {
          @OnMessage('open')
          unlock(): void {}
        }
        return { endpoints: [Room, Chat] };
      },
      "Room.open and Chat.unlock both have @OnMessage('open'), and one message of Room has one handler. " +
        'Keep one of them, or call both from one.',
    ],
    'an event that another part has as well': [
      () => {
        @WsEndpointPart(Room)
        class Other extends Says {}
        return { endpoints: [Room, partOf(Room), Other] };
      },
      "Chat.say and Other.say both have @OnMessage('say'), and one message of Room has one handler. " +
        'Keep one of them, or call both from one.',
    ],
    'two methods for all messages': [
      () => {
        class All {
          @OnMessage()
          all(): void {}
        }
        @WsEndpointPart(Room)
        class First extends All {}
        @WsEndpointPart(Room)
        class Second extends All {}
        return { endpoints: [Room, First, Second] };
      },
      /^First\.all and Second\.all both have @OnMessage\(\), and/,
    ],
    'two methods for binary messages': [
      () => {
        class Bytes {
          @OnMessage({ binary: true })
          bytes(): void {}
        }
        @WsEndpointPart(Room)
        class First extends Bytes {}
        @WsEndpointPart(Room)
        class Second extends Bytes {}
        return { endpoints: [Room, First, Second] };
      },
      /^First\.bytes and Second\.bytes both have @OnMessage\({ binary: true }\), and/,
    ],
    'an event on a raw endpoint': [
      () => {
        @WsEndpoint('raw')
        class Raw {}
        return { endpoints: [Raw, partOf(Raw)] };
      },
      /^Chat, a part of Raw, has @OnMessage\('say'\) but the raw serializer, which knows no events\. /,
    ],
  };

  it.each(Object.keys(specs))('%s', async (name) => {
    const [spec, message] = specs[name] ?? [];
    const error = await bootError(spec?.() ?? {});
    expect(error).toMatchObject({ name: 'ConfigurationError' });
    if (message instanceof RegExp) expect(error.message).toMatch(message);
    else expect(error.message).toBe(message);
  });

  it('undefined, at its decoration', () => {
    class Chat {}
    const said =
      '@WsEndpointPart of Chat has undefined in the place of a class: their files import each other. ' +
      'Write a function: () => RoomEndpoint.';
    expect(() => WsEndpointPart(undefined as unknown as Type)(Chat)).toThrow(said);
    expect(() => WsEndpointPart([Room, undefined as unknown as Type])(Chat)).toThrow(said);
  });
});

describe('metadata that the endpoint carries for guards of the application', () => {
  const Roles = (...roles: string[]): ClassDecorator & MethodDecorator => SetMetadata('roles', roles);

  async function bootWith(decorate: (part: Type) => void): Promise<Error> {
    @Roles('member')
    @UseGuards()
    @WsEndpoint({ path: 'guarded', serializer: 'json' })
    class Guarded {
      constructor(readonly registry: ConnectionRegistry) {}

      @OnEstablish()
      enter(): void {}
    }
    const part = partOf(Guarded);
    decorate(part);
    return bootError({ endpoints: [Guarded, part] });
  }

  it('has to be repeated by its parts', async () => {
    const error = await bootWith(() => undefined);
    expect(error.message).toBe(
      'Guarded carries the metadata roles and its part Chat does not: a guard that reads it of the class would not find it for ' +
        'the handlers of Chat. Put the same decorator on Chat, with the value that holds there.',
    );
  });

  it.each(['member', 'admin'])('may be repeated with a value of its own: %s', async (role) => {
    expect((await bootWith(Roles(role))).message).toBe('The application has started.');
  });
});

it('isPlackContext knows the handlers of a part', async () => {
  const seen: boolean[] = [];
  @UseGuards({ canActivate: (context: Parameters<typeof isPlackContext>[0]) => seen.push(isPlackContext(context)) > 0 })
  class Chat extends Says {}
  WsEndpointPart(Room)(Chat);
  const app = await startApp({ endpoints: [Room, Chat] });
  await answerOf(app, '/ws/room', 'say');
  expect(seen).toEqual([true, true]);
});
