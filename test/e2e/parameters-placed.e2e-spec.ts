import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, ValidationPipe, type Type } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  ConfigurationError,
  Connection,
  ConnectionRegistry,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { bootError, startApp, type StartedApp } from '../support/start-app.js';
import { decorate } from '../support/without-metadata.js';

interface Say {
  text: string;
}

let got: Journal<readonly unknown[]>;
beforeEach(() => {
  got = new Journal();
});

async function complaint(endpoint: Type): Promise<string> {
  const error = await bootError({ endpoints: [endpoint], options: { serializer: 'json' } });
  expect(error).toBeInstanceOf(ConfigurationError);
  return error.message;
}

/** Starts the endpoint and sends it one event `say` with the data `hello`. */
async function say(endpoint: Type, data: unknown = 'hello'): Promise<StartedApp> {
  const app = await startApp({ endpoints: [endpoint], options: { serializer: 'json' } });
  const client = await app.connect('/ws');
  void client.send({ event: 'say', data });
  // Messages are handled in order, so its answer comes when the first one has been handled.
  void client.send({ event: 'nothing of this name', id: 2 });
  for (let id: unknown; id !== 2;) ({ id } = Object(await client.nextJson()) as { id?: unknown });
  return app;
}

describe('a TypeError in a method whose parameters were placed by position', () => {
  it('is told with how they were placed and what to write: an interface', async () => {
    @WsEndpoint()
    class Room {
      @OnMessage('say')
      say(message: Say): number {
        return message.text.length;
      }
    }
    const app = await say(Room, { text: 'hello' });
    expect(app.logs.problems).toEqual([
      expect.stringMatching(
        /^Room failed: Cannot read properties of undefined \(reading 'length'\)\. Parameter 1 of say has no class that could be told at run time and was placed by position: it was given the connection\. If that is wrong, write @MessageBody\(\) or @ConnectedSocket\(\) before it, or import its class without "type"\./,
      ),
    ]);
  });

  it('is told with how they were placed: a class that is imported as a type, in another order', async () => {
    // What the compiler leaves of `import type { Connection }`.
    class Room {
      say(_message: Say, connection: Pick<Connection, 'send'>): void {
        void connection.send('never');
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Room.prototype, 'say') ?? {};
    Reflect.defineMetadata('design:paramtypes', [Object, Function], Room.prototype, 'say');
    OnMessage('say')(Room.prototype, 'say', descriptor);
    WsEndpoint()(Room);
    const app = await say(Room);
    expect(app.logs.problems[0]).toContain(
      'Parameters 1 and 2 of say have no class that could be told at run time and were placed by position: ' +
        'they were given the connection and the message.',
    );
  });

  it('is told with how they were placed also in @OnEstablish and @OnFinish', async () => {
    @WsEndpoint()
    class Room {
      @OnEstablish()
      enter(context: { path: Say }): void {
        got.add([context.path.text.length]);
      }

      @OnFinish()
      leave(end: { reason: Say }): void {
        got.add([end.reason.text]);
      }
    }
    const app = await startApp({ endpoints: [Room] });
    await (await app.connect('/ws')).closed();
    await app.logs.waitFor('error', /Parameter 1 of enter .* it was given the connection/);
    await app.logs.waitFor('error', /Parameter 1 of leave .* it was given the connection/);
    expect(app.logs.problems).toHaveLength(2);
  });

  it.each<[string, () => Type]>([
    [
      'every parameter was told',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage('say')
          say(connection: Connection, @MessageBody() message: Say): void {
            got.add([connection.id, message.text.length]);
          }
        }
        return Room;
      },
    ],
    [
      'there is no parameter',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage('say')
          say(): void {
            (undefined as unknown as Say).text.trim();
          }
        }
        return Room;
      },
    ],
  ])('is told alone where %s', async (_what, endpoint) => {
    const app = await say(endpoint());
    expect(app.logs.problems).toHaveLength(1);
    expect(app.logs.problems[0]).not.toContain('position');
  });

  it('is the only error that is told with it', async () => {
    @WsEndpoint()
    class Room {
      @OnMessage('say')
      say(_message: Say): void {
        throw new RangeError('too far');
      }
    }
    const app = await say(Room);
    expect(app.logs.problems).toEqual([expect.not.stringContaining('position')]);
  });
});

describe('a parameter that can only be wrong stops the application', () => {
  class Outlook {}
  @Injectable()
  class Clock {}

  it.each<[string, () => Type, string]>([
    [
      'FinishInfo in a method that runs before the end',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage()
          say(_connection: Connection, _end: FinishInfo): void {}
        }
        return Room;
      },
      'Parameter 2 of Room.say is declared as FinishInfo, which only @OnFinish has',
    ],
    [
      'a provider in place of a message',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage('say')
          say(_connection: Connection, _clock: Clock): void {}
        }
        return Room;
      },
      'Parameter 2 of Room.say is declared as Clock, which is a provider. Inject it into the constructor of Room.',
    ],
    [
      'the registry in place of the connection',
      () => {
        @WsEndpoint()
        class Room {
          @OnFinish()
          leave(_registry: ConnectionRegistry): void {}
        }
        return Room;
      },
      'Parameter 1 of Room.leave is declared as ConnectionRegistry, which is a provider. Inject it into the constructor of Room.',
    ],
    [
      'a text in place of the list of results',
      () => {
        @WsEndpoint()
        class Room {
          @OnEstablish()
          enter(_connection: Connection, _name: string): void {}
        }
        return Room;
      },
      'Parameter 2 of Room.enter is declared as String and would be given the list of all handshake results. ' +
        'Write @HandshakeResult(0) before it for the first of them, @Param, @Query or @Headers for a part of the request.',
    ],
    [
      'a class in place of the list of results',
      () => {
        @WsEndpoint()
        class Room {
          @OnEstablish()
          enter(_connection: Connection, _context: RequestContext, _outlook: Outlook): void {}
        }
        return Room;
      },
      'Parameter 3 of Room.enter is declared as Outlook and would be given the list of all handshake results.',
    ],
    [
      'a number in place of the FinishInfo',
      () => {
        @WsEndpoint()
        class Room {
          @OnFinish()
          leave(_connection: Connection, _code: number): void {}
        }
        return Room;
      },
      'Parameter 2 of Room.leave is declared as Number and would be given the FinishInfo. Declare it as FinishInfo, which has the code and the reason.',
    ],
    [
      'one more than there is anything for',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage()
          say(_connection: Connection, _message: unknown, _more: unknown): void {}
        }
        return Room;
      },
      'Nothing can be given to parameter 3 of Room.say: without decorators @OnMessage gives the connection and the message. ' +
        'Write a decorator before it, such as @Param, or a default value where only your own code passes it.',
    ],
    [
      'one more than there is anything for, without types',
      () => {
        class Room {
          leave(_connection: Connection, _end: FinishInfo, _context: RequestContext): void {}
        }
        return decorate(Room, WsEndpoint(), { methods: { leave: [OnFinish()] } });
      },
      'Nothing can be given to parameter 3 of Room.leave: without decorators @OnFinish gives the connection and the FinishInfo.',
    ],
  ])('%s', async (_what, endpoint, sentence) => {
    expect(await complaint(endpoint())).toContain(sentence);
  });

  it('but may be there with a default value', async () => {
    @WsEndpoint()
    class Room {
      @OnMessage('say')
      say(connection: Connection, message: string, isRepeated = false): unknown {
        return isRepeated ? message : this.say(connection, message, true);
      }
    }
    expect((await say(Room)).logs.at('error')).toEqual([]);
  });
});

describe('a method behind a wrapper', () => {
  /** A decorator that puts a function of any number of arguments in place of the method. */
  const Traced: MethodDecorator = (_target, _name, descriptor) => {
    const { value } = descriptor;
    if (typeof value !== 'function') return;
    const traced = function (this: unknown, ...args: unknown[]): unknown {
      got.add(args);
      return Reflect.apply(value, this, args);
    };
    descriptor.value = traced as never;
  };

  it('is called with connection and message, with and without types', async () => {
    @WsEndpoint()
    class Typed {
      @OnMessage('say')
      @Traced
      say(_connection: Connection, message: string): string {
        return message;
      }
    }
    class Untyped {
      say(_connection: unknown, message: string): string {
        return message;
      }
    }
    decorate(Untyped, WsEndpoint(), { methods: { say: [OnMessage('say'), Traced] } });
    for (const endpoint of [Typed, Untyped]) {
      await say(endpoint);
      expect(await got.next()).toEqual([expect.any(Connection), 'hello']);
    }
  });

  it('is called with what its own types say, and the rest behind', async () => {
    @WsEndpoint()
    class Room {
      @OnMessage('say')
      @Traced
      say(message: string): string {
        return message;
      }
    }
    await say(Room);
    expect((await got.next())[0]).toBe('hello');
  });

  it('stops the application where the wrapper took the decorations away', async () => {
    class Room {
      say(): void {}
    }
    decorate(Room, WsEndpoint(), { methods: { say: [Traced, OnMessage('say')] } });
    expect(await complaint(Room)).toBe(
      'Room.say had a decorator of this library, but one above it put another function in its place and took no decorations along, ' +
        'guards among them. Write that decorator below those of Nest and of this library, or let it copy the metadata.',
    );
  });
});

describe('a method with default values or rest parameters', () => {
  it.each<[string, () => Type, readonly unknown[]]>([
    [
      'a default value of the message',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage('say')
          say(connection: Connection, message = 'nothing'): void {
            got.add([connection, message]);
          }
        }
        return Room;
      },
      [expect.any(Connection), 'hello'],
    ],
    [
      'a default value of the message, without types',
      () => {
        class Room {
          say(connection: Connection, message = 'nothing'): void {
            got.add([connection, message]);
          }
        }
        return decorate(Room, WsEndpoint(), { methods: { say: [OnMessage('say')] } });
      },
      [expect.any(Connection), 'hello'],
    ],
    [
      'rest parameters, without types',
      () => {
        class Room {
          say(...all: unknown[]): void {
            got.add(all);
          }
        }
        return decorate(Room, WsEndpoint(), { methods: { say: [OnMessage('say')] } });
      },
      [expect.any(Connection), 'hello'],
    ],
    [
      'rest parameters after the connection',
      () => {
        @WsEndpoint()
        class Room {
          @OnMessage('say')
          say(connection: Connection, ...rest: unknown[]): void {
            got.add([connection, ...rest]);
          }
        }
        return Room;
      },
      [expect.any(Connection), 'hello'],
    ],
  ])('gets both: %s', async (_what, endpoint, expected) => {
    await say(endpoint());
    expect(await got.next()).toEqual(expected);
  });
});

describe('a method that overrides one of the base', () => {
  class Base {
    @OnMessage('say')
    say(@MessageBody() message: string, connection: Connection): void {
      got.add([message, connection]);
    }
  }

  it('is called as its own parameters are declared', async () => {
    @WsEndpoint()
    class Room extends Base {
      @OnMessage('say')
      override say(connection: never, message: never): void {
        got.add([connection, message]);
      }
    }
    await say(Room);
    expect(await got.next()).toEqual([expect.any(Connection), 'hello']);
  });

  it('has its own decorators and none of the base', async () => {
    @WsEndpoint()
    class Room extends Base {
      @OnMessage('say')
      override say(connection: never, @MessageBody('text') text: never): void {
        got.add([connection, text]);
      }
    }
    await say(Room, { text: 'hello' });
    expect(await got.next()).toEqual([expect.any(Connection), 'hello']);
  });

  it('is called as the base declares it where it is inherited', async () => {
    @WsEndpoint()
    class Room extends Base {}
    await say(Room);
    expect(await got.next()).toEqual(['hello', expect.any(Connection)]);
  });
});

describe('an application without types of parameters', () => {
  class Room {
    enter(_connection: Connection, _context: RequestContext): void {}
    say(_connection: Connection, _message: string): void {}
  }
  class Hall {
    say(_message: string): void {}
  }
  const bare = (type: Type, path: string): Type =>
    decorate(class extends type {}, WsEndpoint(path), {
      methods: {},
    });
  decorate(Room, () => undefined, { methods: { enter: [OnEstablish()], say: [OnMessage()] } });
  decorate(Hall, () => undefined, { methods: { say: [OnMessage()] } });

  it('is warned once at boot, with the decorators to write', async () => {
    const app = await startApp({ endpoints: [bare(Room, 'room'), bare(Hall, 'hall')] });
    expect(app.logs.at('warn')).toHaveLength(1);
    expect(app.logs.at('warn')[0]).toMatch(
      /was compiled without emitDecoratorMetadata, as tsx, esbuild and Vite compile, so the types of parameters are not known/,
    );
    expect(app.logs.at('warn')[0]).toContain('@ConnectedSocket() and @MessageBody()');
  });

  it('is not warned where decorators say everything', async () => {
    class Told {
      say(_message: string): void {}
      leave(): void {}
    }
    decorate(Told, WsEndpoint(), {
      methods: { say: [OnMessage()], leave: [OnFinish()] },
      parameters: { say: { 0: MessageBody() } },
    });
    const app = await startApp({ endpoints: [Told] });
    expect(app.logs.problems).toEqual([]);
  });

  it('is warned where a ValidationPipe has no class to check by', async () => {
    class Told {
      say(_message: string): void {}
    }
    decorate(Told, WsEndpoint(), {
      methods: { say: [OnMessage()] },
      parameters: { say: { 0: MessageBody(new ValidationPipe()) } },
    });
    const app = await startApp({ endpoints: [Told] });
    expect(app.logs.at('warn')[0]).toContain('a ValidationPipe knows no class to check by and lets everything through');
  });
});
