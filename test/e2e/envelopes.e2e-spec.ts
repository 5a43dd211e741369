import { describe, expect, it } from '@jest/globals';
import { BadRequestException, type Type } from '@nestjs/common';
import { Exclude, instanceToPlain } from 'class-transformer';
import {
  Connection,
  ConnectionRegistry,
  JsonSerializer,
  OnError,
  OnMessage,
  PlackWebSocketModule,
  Serializer,
  UnsupportedDataError,
  WsEndpoint,
  type EndpointOptions,
  type MessageForm,
  type MessageSource,
} from '../../src/index.js';
import { fakeConnection } from '../../src/testing.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { take } from '../support/take.js';

type AnySerializer = NonNullable<EndpointOptions['serializer']>;

/** Says back what it hears, in every way that a value leaves. */
function endpointWith(serializer: AnySerializer, path = 'any'): Type {
  @WsEndpoint({ path, serializer })
  class SaysBack {
    @OnMessage('reply')
    reply(_connection: Connection, data: unknown): unknown {
      return data;
    }

    @OnMessage('rename')
    rename(_connection: Connection, data: unknown): unknown {
      return { event: 'renamed', data };
    }

    @OnMessage('push')
    push(connection: Connection, data: unknown): void {
      void connection.send('pushed', data);
    }

    @OnMessage('value')
    value(connection: Connection, data: unknown): void {
      void connection.send(data);
    }

    @OnMessage('fail')
    fail(): never {
      throw new Error('a secret');
    }
  }
  return SaysBack;
}

async function answersTo(app: StartedApp, messages: readonly unknown[], path = '/ws/any'): Promise<unknown[]> {
  const client = await app.connect(path);
  const answers: unknown[] = [];
  for (const message of messages) {
    void client.send(typeof message === 'string' ? message : JSON.stringify(message));
    answers.push(await client.nextJson());
  }
  return answers;
}

describe('the envelope of JSON events, with names of their own', () => {
  it('reads and writes the members that the application names', async () => {
    const serializer = new JsonSerializer({ event: 'type', data: 'payload', id: 'requestId' });
    const app = await startApp({ endpoints: [endpointWith(serializer)] });
    expect(
      await answersTo(app, [
        { type: 'reply', payload: { a: 1 }, requestId: 7 },
        { type: 'reply', payload: 'no id' },
        { type: 'rename', payload: 2, requestId: 'q' },
        { type: 'push', payload: [3] },
        { type: 'value', payload: { event: 'x', data: 1 } },
        { type: 'fail', requestId: 9 },
        { type: 'unheard of', requestId: 10 },
      ]),
    ).toEqual([
      { type: 'reply', payload: { a: 1 }, requestId: 7 },
      { type: 'reply', payload: 'no id' },
      { type: 'renamed', payload: 2, requestId: 'q' },
      { type: 'pushed', payload: [3] },
      { event: 'x', data: 1 },
      { type: 'error', payload: { code: 'internal_error', message: 'Internal server error' }, requestId: 9 },
      { type: 'error', payload: { code: 'unknown_event', message: 'No handler for this event.' }, requestId: 10 },
    ]);
  });

  it('takes the rest of a message for its data', async () => {
    const app = await startApp({ endpoints: [endpointWith(new JsonSerializer({ event: 'type', data: 'rest' }))] });
    expect(
      await answersTo(app, [
        { type: 'reply', text: 'Hello', id: 7 },
        { type: 'push', a: 1, b: [2] },
        { type: 'fail', id: 8 },
        '{"type":"reply","__proto__":{"polluted":true}}',
      ]),
    ).toEqual([
      { type: 'reply', text: 'Hello', id: 7 },
      { type: 'pushed', a: 1, b: [2] },
      { type: 'error', code: 'internal_error', message: 'Internal server error', id: 8 },
      JSON.parse('{"type":"reply","__proto__":{"polluted":true}}'),
    ]);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it.each([
    [{ event: 'type', data: 'payload' }, '{ type, payload }'],
    [{ event: 'type', data: 'rest' }, '{ type, … }'],
  ])('says what a message of the endpoint looks like: %j', async (names, form) => {
    @WsEndpoint({ path: 'own', serializer: new JsonSerializer(names) })
    class Own {
      @OnMessage('count')
      count(): number {
        return 3;
      }
    }
    const app = await startApp({ endpoints: [Own] });
    const [answer] = await answersTo(app, [{ other: 'count' }], '/ws/own');
    expect(JSON.stringify(answer)).toContain(`A message of this endpoint is an object ${form}.`);
  });

  it('tells the application that data with no members cannot be the rest of an object', async () => {
    @WsEndpoint({ path: 'rest', serializer: new JsonSerializer({ event: 'type', data: 'rest' }) })
    class Rest {
      @OnMessage('count')
      count(): number {
        return 3;
      }
    }
    const app = await startApp({ endpoints: [Rest] });
    expect(await answersTo(app, [{ type: 'count', id: 1 }], '/ws/rest')).toEqual([
      { type: 'error', code: 'internal_error', message: 'Internal server error', id: 1 },
    ]);
    expect(app.logs.problems.join('\n')).toContain("with data: 'rest' the data of an event is an object, not a number");
  });

  it.each([
    [{ event: '' }, 'each is the name of a member, as a text'],
    [{ id: 7 as never }, 'each is the name of a member, as a text'],
    [{ event: 'data' }, 'data, data, id are not three names'],
    [{ events: 'type' } as never, 'unknown option events; there are event, data, id and transform'],
    [{ transform: 'plain' as never }, 'a function of the value, such as instanceToPlain'],
  ])('refuses the names %j', (names, message) => {
    expect(() => new JsonSerializer(names)).toThrow(message);
  });
});

describe('a transform of JSON values', () => {
  class Member {
    @Exclude()
    readonly hash = 'secret';
    constructor(readonly name: string) {}
  }

  /** Every way on which a value leaves. */
  function membersWith(serializer: AnySerializer): Type {
    @WsEndpoint({ path: 'members', serializer })
    class Members {
      constructor(private readonly registry: ConnectionRegistry) {}

      @OnMessage('ways')
      async *ways(connection: Connection): AsyncGenerator {
        const ada = new Member('Ada');
        await connection.send(ada);
        await connection.send('pushed', ada);
        await connection.send({ event: 'own', data: ada });
        connection.to('*').send('all', ada);
        this.registry.broadcast({ list: [ada] });
        yield ada;
        yield { event: 'renamed', data: ada };
      }

      @OnMessage('fail')
      fail(): never {
        throw new BadRequestException({ message: 'no', member: new Member('Eve') });
      }

      @OnError()
      error(_connection: Connection, error: unknown): unknown {
        return error instanceof BadRequestException ? undefined : new Member('Bob');
      }
    }
    return Members;
  }

  it.each<[string, AnySerializer]>([
    ['Nest’s names', new JsonSerializer({ transform: instanceToPlain })],
    ['other names', new JsonSerializer({ event: 't', data: 'd', transform: instanceToPlain })],
    ['the rest', new JsonSerializer({ event: 't', data: 'rest', transform: instanceToPlain })],
  ])('leaves out what a class excludes, on every way: %s', async (_what, serializer) => {
    const app = await startApp({ endpoints: [membersWith(serializer)] });
    const client = await app.connect('/ws/members');
    void client.send('{"event":"ways","t":"ways"}');
    const sent = (await take(client, 7)).map(String);
    void client.send('{"event":"fail","t":"fail"}');
    sent.push(String(await client.next()));
    void client.send('{"event":"unheard of","t":"unheard of"}');
    sent.push(String(await client.next()));
    expect(sent.filter((text) => text.includes('secret'))).toEqual([]);
    expect(sent.slice(0, 7).filter((text) => !text.includes('"name":"Ada"'))).toEqual([]);
    expect(sent.at(-1)).toContain('"name":"Bob"');
  });

  it('runs once for a broadcast, and a throw or a promise of it is an encoding error', async () => {
    const shaped: unknown[] = [];
    const transform = (value: unknown): unknown => {
      shaped.push(value);
      if (value === 'throw') throw new Error('cannot be shaped');
      return value === 'late' ? Promise.reject(new Error('late')) : value;
    };
    const app = await startApp({ endpoints: [endpointWith(new JsonSerializer({ transform }))] });
    const clients = [await app.connect('/ws/any'), await app.connect('/ws/any')];
    app.registry.broadcast('news');
    expect(await Promise.all(clients.map((client) => client.nextJson()))).toEqual(['news', 'news']);
    expect(shaped).toEqual(['news']);
    const [connection] = app.registry;
    for (const [value, message] of [
      ['throw', 'cannot be shaped'],
      ['late', 'the transform of a JsonSerializer gave a promise'],
    ] as const) {
      const cause = await connection?.send(value).catch((error: Error) => String(error.cause));
      expect(cause).toContain(message);
    }
  });
});

describe('a serializer that owns its envelope', () => {
  /** OCPP's arrays: calls, answers and errors have forms of their own. */
  class Calls extends Serializer {
    override readonly name = 'calls';
    readonly encoded: string[] = [];
    readonly sources: MessageSource[] = [];

    override encode(value: unknown, { kind, event, id }: MessageForm): string {
      this.encoded.push(kind);
      if (kind === 'push') return JSON.stringify([2, event, Buffer.isBuffer(value) ? value.toString('hex') : value]);
      if (kind === 'reply') return JSON.stringify([3, id, event, value]);
      return JSON.stringify([4, id, event, (value as { code: string }).code]);
    }

    override decode(text: string | Buffer, isBinary: boolean, connection: MessageSource): unknown {
      this.sources.push(connection);
      if (isBinary) throw new UnsupportedDataError();
      const [type, id, event, data] = JSON.parse(String(text)) as [number, string, string, unknown];
      if (type !== 2) throw Object.assign(new Error('no call'), { id });
      return { event, data, id };
    }
  }

  it('is told what each value is sent as, and from whom each message came', async () => {
    const serializer = new Calls();
    const app = await startApp({ endpoints: [endpointWith(serializer)] });
    expect(
      await answersTo(app, [
        [2, 'a', 'reply', { x: 1 }],
        [2, 'b', 'rename', 2],
        [2, null, 'push', 3],
        [2, null, 'value', 4],
        [2, 'e', 'fail'],
        [2, 'f', 'unheard of'],
        [9, 'g'],
        [2, 'h'.repeat(200), 'fail'],
      ]),
    ).toEqual([
      [3, 'a', 'reply', { x: 1 }],
      [3, 'b', 'renamed', 2],
      [2, 'pushed', 3],
      [2, null, 4],
      [4, 'e', 'fail', 'internal_error'],
      [4, 'f', null, 'unknown_event'],
      [4, 'g', null, 'bad_message'],
      [4, null, 'fail', 'internal_error'],
    ]);
    const [connection] = app.registry;
    expect(new Set(serializer.sources)).toEqual(new Set([connection]));
  });

  it('encodes once for all, and gets the bytes of an event', async () => {
    const serializer = new Calls();
    const app = await startApp({ endpoints: [endpointWith(serializer), endpointWith('json', 'json')] });
    const clients = [await app.connect('/ws/any'), await app.connect('/ws/any'), await app.connect('/ws/json')];
    expect(app.registry.broadcast('news', { a: 1 })).toEqual({ matched: 3, sent: 3, dropped: 0 });
    expect(await Promise.all(clients.map((client) => client.nextJson()))).toEqual([
      [2, 'news', { a: 1 }],
      [2, 'news', { a: 1 }],
      { event: 'news', data: { a: 1 } },
    ]);
    expect(serializer.encoded).toEqual(['push']);
    const [first, second] = app.registry;
    expect(first?.to(second?.id ?? '').broadcast('bytes', Buffer.from([1, 255]))).toMatchObject({ sent: 1 });
    expect(await clients[1]?.nextJson()).toEqual([2, 'bytes', '01ff']);
  });
});

describe('a serializer that leaves the envelope to the library', () => {
  class Shouting extends JsonSerializer {
    override encode(value: unknown): string {
      return super.encode(value).replaceAll('hello', 'HELLO');
    }
  }

  it.each<[string, AnySerializer]>([
    [
      'functions of another library',
      { encode: JSON.stringify, decode: (data: string | Buffer) => JSON.parse(String(data)) as unknown },
    ],
    ['a subclass', new Shouting()],
    ['a class', Shouting],
  ])('gets every event in it: %s', async (_what, serializer) => {
    const app = await startApp({ endpoints: [endpointWith(serializer)] });
    expect(
      await answersTo(app, [
        { event: 'reply', data: 1, id: 7 },
        { event: 'rename', data: 2 },
        { event: 'push', data: 3 },
        { event: 'fail', id: 8 },
      ]),
    ).toEqual([
      { event: 'reply', data: 1, id: 7 },
      { event: 'renamed', data: 2 },
      { event: 'pushed', data: 3 },
      { event: 'error', id: 8, data: { code: 'internal_error', message: 'Internal server error' } },
    ]);
  });
});

describe('an event where there is no envelope for it', () => {
  it('rejects on a raw endpoint, and for bytes in JSON; the connection goes on', async () => {
    @WsEndpoint('raw')
    class Raw {
      @OnMessage()
      async answer(connection: Connection, message: string): Promise<string> {
        return connection.send(message, 1).then(String, (error: Error) => String(error.cause));
      }
    }
    @WsEndpoint({ path: 'json', serializer: 'json' })
    class Json {
      @OnMessage()
      async answer(connection: Connection): Promise<string> {
        return connection.send('bytes', Buffer.from('x')).then(String, (error: Error) => String(error.cause));
      }
    }
    const app = await startApp({ endpoints: [Raw, Json] });
    const raw = await app.connect('/ws/raw');
    void raw.send('say');
    expect(await raw.next()).toContain('the raw serializer knows no events');
    const json = await app.connect('/ws/json');
    void json.send('{}');
    expect(await json.nextJson()).toContain('JSON has no form for bytes in an event');
  });

  it('is kept as { event, data } by a fake connection', () => {
    const connection = fakeConnection();
    void connection.send('said', { text: 'Hello' });
    void connection.send('alone');
    expect(connection.sent).toEqual([{ event: 'said', data: { text: 'Hello' } }, 'alone']);
  });

  it('belongs to the module as well as to an endpoint', async () => {
    @WsEndpoint('module')
    class OfModule {
      @OnMessage('say')
      say(_connection: Connection, data: unknown): unknown {
        return data;
      }
    }
    const app = await startApp({
      options: false,
      imports: [PlackWebSocketModule.forRoot({ serializer: new JsonSerializer({ event: 't', data: 'd' }) })],
      endpoints: [OfModule],
    });
    expect(await answersTo(app, [{ t: 'say', d: 1 }], '/ws/module')).toEqual([{ t: 'say', d: 1 }]);
  });
});
