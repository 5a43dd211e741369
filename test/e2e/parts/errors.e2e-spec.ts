import { describe, expect, it } from '@jest/globals';
import { BadRequestException, Catch, UseFilters, UseGuards, type ExceptionFilter } from '@nestjs/common';
import {
  Connection,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  WsEndpointPart,
  type FailedMessage,
} from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

class Fault extends Error {}

/** A filter that answers with its name. */
function answering(name: string, type: new () => Error = Fault): ExceptionFilter {
  @Catch(type)
  class Answering implements ExceptionFilter {
    catch(): unknown {
      return `filter of the ${name}`;
    }
  }
  return new Answering();
}

/** What `@OnError` of a class does, by the word in the message that failed. */
function answerOf(name: string, connection: Connection, message: FailedMessage | undefined): unknown {
  const raw = String(message?.raw);
  if (!raw.includes(`${name} `)) return undefined;
  if (raw.includes(`${name} returns`)) return `@OnError of the ${name}`;
  if (raw.includes(`${name} is silent`)) return null;
  if (raw.includes(`${name} throws`)) throw new Error(`@OnError of the ${name}`);
  if (raw.includes(`${name} rejects`)) return Promise.reject(new Error(`@OnError of the ${name}`));
  if (raw.includes(`${name} closes`)) connection.close(4000);
  if (raw.includes(`${name} sends`)) void connection.send('sent', name);
  return undefined;
}

async function start(): Promise<StartedApp & { readonly heard: string[] }> {
  const heard: string[] = [];

  @WsEndpoint({ path: 'room', serializer: 'json' })
  class Room {
    @OnMessage('own')
    own(): never {
      throw new Fault('of the endpoint');
    }

    @OnError()
    fail(connection: Connection, error: Error, message: FailedMessage | undefined): unknown {
      heard.push(`endpoint: ${error.constructor.name}, ${message?.event ?? 'no event'}`);
      return answerOf('endpoint', connection, message);
    }
  }

  @WsEndpointPart(Room)
  class Chat {
    @OnMessage('say')
    say(): never {
      throw new Fault('of the part');
    }

    @OnError()
    fail(connection: Connection, error: Error, message: FailedMessage | undefined): unknown {
      heard.push(`part: ${error.constructor.name}, ${message?.event ?? 'no event'}`);
      return answerOf('part', connection, message);
    }
  }

  @WsEndpointPart(Room)
  class Notes {
    @OnMessage('note')
    note(): never {
      throw new BadRequestException('no notes');
    }
  }
  return Object.assign(await startApp({ endpoints: [Room, Chat, Notes] }), { heard });
}

const DEFAULT = { event: 'error', id: 1, data: { code: 'internal_error', message: 'Internal server error' } };
const OF_PART = 'part: Fault, say';
const OF_ENDPOINT = 'endpoint: Fault, say';

describe('@OnError of a part', () => {
  it.each<[string, unknown, string[]]>([
    ['part returns', { event: 'say', id: 1, data: '@OnError of the part' }, [OF_PART]],
    ['part sends', { event: 'sent', data: 'part' }, [OF_PART]],
    ['part throws', DEFAULT, [OF_PART]],
    ['part rejects', DEFAULT, [OF_PART]],
    ['nothing', DEFAULT, [OF_PART, OF_ENDPOINT]],
    ['endpoint returns', { event: 'say', id: 1, data: '@OnError of the endpoint' }, [OF_PART, OF_ENDPOINT]],
    ['endpoint sends', { event: 'sent', data: 'endpoint' }, [OF_PART, OF_ENDPOINT]],
    ['endpoint throws', DEFAULT, [OF_PART, OF_ENDPOINT]],
  ])('comes before that of the endpoint, and before the default: %s', async (data, answer, heard) => {
    const app = await start();
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say', id: 1, data: `${data}.` });
    expect(await client.nextJson()).toEqual(answer);
    expect(app.heard).toEqual(heard);
  });

  it.each<[string, string[]]>([
    ['part is silent', [OF_PART]],
    ['endpoint is silent', [OF_PART, OF_ENDPOINT]],
  ])('may leave the peer without an answer: %s', async (data, heard) => {
    const app = await start();
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say', id: 1, data: `${data}.` });
    void client.send({ event: 'note', id: 2 });
    expect(await client.nextJson()).toMatchObject({ id: 2 });
    expect(app.heard.slice(0, heard.length)).toEqual(heard);
  });

  it('that closes is the last word', async () => {
    const app = await start();
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say', id: 1, data: 'part closes.' });
    expect(await client.closed()).toMatchObject({ code: 4000 });
    expect(app.heard).toEqual([OF_PART]);
  });

  it('hears of its own part alone', async () => {
    const app = await start();
    const client = await app.connect('/ws/room');
    void client.send({ event: 'own' });
    void client.send({ event: 'note' });
    void client.send({ event: 'what' });
    void client.send('{');
    for (let answers = 0; answers < 4; answers++) await client.next();
    expect(app.heard).toEqual([
      'endpoint: Fault, own',
      'endpoint: BadRequestException, note',
      'endpoint: UnknownEventError, no event',
      'endpoint: MessageDecodingError, no event',
    ]);
  });

  it('hears of its establish and its finish, and then that of the endpoint does', async () => {
    const heard = new Journal();

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnError()
      fail(_connection: Connection, error: Error): string {
        heard.add(`endpoint: ${error.message}`);
        return 'sorry';
      }
    }

    @WsEndpointPart(Room)
    class Chat {
      @OnEstablish()
      enter(): never {
        throw new Error('establish');
      }

      @OnFinish()
      leave(): never {
        throw new Error('finish');
      }

      @OnError()
      fail(_connection: Connection, error: Error): void {
        heard.add(`part: ${error.message}`);
      }
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    const client = await app.connect('/ws/room');
    expect(await client.nextJson()).toBe('sorry');
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(await heard.reached(4)).toEqual([
      'part: establish',
      'endpoint: establish',
      'part: finish',
      'endpoint: finish',
    ]);
  });
});

describe('the log', () => {
  it('names the part that failed, and its endpoint', async () => {
    const app = await start();
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say' });
    void client.send({ event: 'note' });
    await client.next();
    await client.next();
    expect(app.logs.at('error')).toEqual([expect.stringMatching(/^Chat of Room failed: of the part/)]);
    expect(app.logs.at('debug')).toContainEqual(expect.stringMatching(/^Notes of Room refused a message: bad_request/));
  });

  it('names the part whose @OnError failed', async () => {
    const app = await start();
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say', data: 'part throws.' });
    await client.next();
    expect(app.logs.at('error')).toContainEqual(expect.stringMatching(/^@OnError of Chat of Room failed/));
  });
});

describe('a filter', () => {
  it.each([
    ['method', 'method of the part'],
    ['part', 'part'],
    ['endpoint', 'endpoint'],
    ['global', 'application'],
  ])('of the nearest place answers, before any @OnError: %s', async (nearest, name) => {
    const places = ['method', 'part', 'endpoint', 'global'];
    const has = (place: string): boolean => places.indexOf(place) >= places.indexOf(nearest);
    const filters = (place: string, named: string): ClassDecorator & MethodDecorator =>
      has(place) ? UseFilters(answering(named)) : UseFilters(answering('other kind', SyntaxError));

    @filters('endpoint', 'endpoint')
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnError()
      fail(): string {
        return 'endpoint';
      }
    }

    @filters('part', 'part')
    @WsEndpointPart(Room)
    class Chat {
      @filters('method', 'method of the part')
      @OnMessage('say')
      say(): never {
        throw new Fault();
      }

      @OnError()
      fail(): string {
        return 'part';
      }
    }

    const app = await startApp({
      endpoints: [Room, Chat],
      configure: (started) => started.useGlobalFilters(answering('application')),
    });
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: `filter of the ${name}` });
  });

  it('sees that an event of a part is forbidden that leaves itself out', async () => {
    class ForbiddenFilter implements ExceptionFilter {
      catch(error: Error): string {
        return error.message;
      }
    }

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {}

    @UseFilters(ForbiddenFilter)
    @UseGuards({ canActivate: () => false })
    @WsEndpointPart(Room)
    class Chat {
      @OnMessage('say')
      say(): void {}
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'Forbidden resource' });
  });
});
