import { describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  ConflictException,
  HttpException,
  InternalServerErrorException,
  type PipeTransform,
} from '@nestjs/common';
import { MessageBody, WsException } from '@nestjs/websockets';
import { throwError } from 'rxjs';
import { Connection, OnError, OnMessage, WsEndpoint, type WsEndpointOptions } from '../../../src/index.js';
import { describeNest } from '../../support/nest-features.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

/** Boots an endpoint whose messages fail as a function says. */
function failing(fail: (data: unknown) => unknown, options: WsEndpointOptions = {}): Promise<StartedApp> {
  @WsEndpoint({ path: 'probe', serializer: 'json', ...options })
  class Probe {
    @OnMessage('do')
    do(_connection: Connection, data: unknown): unknown {
      return data === 'ok' ? 'done' : fail(data);
    }

    @OnMessage()
    any(_connection: Connection, message: unknown): unknown {
      return message === 'ok' ? 'done' : fail(message);
    }
  }
  return startApp({ endpoints: [Probe] });
}

const thrown: [string, unknown, unknown][] = [
  ['a built-in exception', new ConflictException('taken'), { code: 'conflict', message: 'taken' }],
  ['a text and a status', new HttpException('slow down', 429), { code: 'too_many_requests', message: 'slow down' }],
  [
    'a body of its own',
    new HttpException({ message: 'no', field: 'name' }, 400),
    { code: 'bad_request', message: 'no', details: { field: 'name' } },
  ],
  ['a status without a name', new HttpException('tea', 418), { code: 'http_418', message: 'tea' }],
  [
    'validation messages',
    new BadRequestException(['a', 'b']),
    { code: 'bad_request', message: expect.any(String), details: ['a', 'b'] },
  ],
  ['a WsException', new WsException('not now'), { code: 'exception', message: 'not now' }],
  [
    'a WsException with a body',
    new WsException({ code: 'busy', message: 'not now', retry: 3 }),
    { code: 'busy', message: 'not now', details: { retry: 3 } },
  ],
];

/** Exceptions made with an error where a text or a body belongs: nobody wrote its text for a peer. */
const wrapped: [string, unknown, unknown][] = [
  ['500', new HttpException(new Error('secret'), 500), { code: 'internal_error', message: 'Internal Server Error' }],
  ['400', new HttpException(new Error('secret'), 400), { code: 'bad_request', message: 'Bad Request' }],
  [
    'no known status',
    new HttpException(new Error('secret'), 499),
    { code: 'http_499', message: 'Internal server error' },
  ],
  ['a WsException', new WsException(new Error('secret')), { code: 'exception', message: 'Internal server error' }],
];

const unknown: [string, unknown][] = [
  ['an error', new Error('secret')],
  ['a fault of the server', new InternalServerErrorException('db is down', { cause: new Error('secret') })],
  ['a text', 'secret'],
  ['nothing', undefined],
  ['an object that looks like an exception', { status: 400, message: 'secret', getStatus: () => 400 }],
];

describe('an exception of a message handler', () => {
  it.each(thrown)('reaches the client as an error with the id: %s', async (_what, exception, data) => {
    const app = await failing(() => {
      throw exception;
    });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 'a1' });
    expect(await client.nextJson()).toEqual({ event: 'error', id: 'a1', data });
    expect(app.logs.problems).toEqual([]);
  });

  describeNest('errorCode', () => {
    it('reaches the client with the errorCode as its code', async () => {
      const app = await failing(() => {
        throw new BadRequestException('no', { errorCode: 'name_missing' });
      });
      const client = await app.connect('/ws/probe');
      void client.send({ event: 'do', id: 'a1' });
      const data = { code: 'name_missing', message: 'no' };
      expect(await client.nextJson()).toEqual({ event: 'error', id: 'a1', data });
    });
  });

  it.each(wrapped)('made with an error keeps the text of that to itself: %s', async (_what, exception, data) => {
    const app = await failing(() => {
      throw exception;
    });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 5 });
    expect(await client.nextJson()).toEqual({ event: 'error', id: 5, data });
  });

  it.each(unknown)('says nothing of what it is about but in the log: %s', async (_what, exception) => {
    const app = await failing(() => {
      throw exception;
    });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 5 });
    const reply = await client.next();
    expect(JSON.parse(String(reply))).toMatchObject({ event: 'error', id: 5, data: { code: 'internal_error' } });
    expect(String(reply)).not.toContain('secret');
    expect(app.logs.at('error')).toHaveLength(1);
  });

  it.each<[string, () => unknown]>([
    [
      'is thrown',
      () => {
        throw new ConflictException('taken');
      },
    ],
    ['is a rejection', () => Promise.reject(new ConflictException('taken'))],
    ['is the error of an Observable', () => throwError(() => new ConflictException('taken'))],
    [
      'is thrown by a generator',
      async function* () {
        yield* [];
        throw new ConflictException('taken');
      },
    ],
    ['is a promise of a failing Observable', async () => throwError(() => new ConflictException('taken'))],
  ])('is answered once, and the connection stays: it %s', async (_how, fail) => {
    const app = await failing(fail);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 1 });
    expect(await client.nextJson()).toEqual({ event: 'error', id: 1, data: { code: 'conflict', message: 'taken' } });
    void client.send({ event: 'do', data: 'ok', id: 2 });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 'done', id: 2 });
  });

  it.each<[string, unknown]>([
    ['a text', 'a'],
    ['a number', 0],
  ])('has %s as the id if the message had', async (_what, id) => {
    const app = await failing(() => Promise.reject(new Error('no')));
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id });
    expect(await client.nextJson()).toMatchObject({ id });
  });

  it.each<[string, object]>([
    ['has none', { event: 'do' }],
    ['has an object there', { event: 'do', id: { a: 1 } }],
    ['has a long text there', { event: 'do', id: 'x'.repeat(129) }],
    ['is no event', { id: 1 }],
  ])('has no id if the message %s', async (_what, message) => {
    const app = await failing(() => Promise.reject(new Error('no')));
    const client = await app.connect('/ws/probe');
    void client.send(message);
    expect(await client.nextJson()).not.toHaveProperty('id');
  });

  it('of a pipe, a guard or the method is answered alike', async () => {
    const refusing: PipeTransform = {
      transform: () => {
        throw new ConflictException('taken');
      },
    };
    @WsEndpoint({ path: 'probe', serializer: 'json' })
    class Probe {
      @OnMessage('pipe')
      pipe(@MessageBody(refusing) _data: unknown): void {}

      @OnMessage('method')
      method(): never {
        throw new ConflictException('taken');
      }
    }
    const app = await startApp({ endpoints: [Probe] });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'pipe', id: 1 });
    void client.send({ event: 'method', id: 1 });
    expect(await client.next()).toBe(String(await client.next()));
  });

  it('closes a raw endpoint with 1011', async () => {
    @WsEndpoint('probe')
    class Probe {
      @OnMessage()
      say(): never {
        throw new ConflictException('taken');
      }
    }
    const app = await startApp({ endpoints: [Probe] });
    const client = await app.connect('/ws/probe');
    void client.send('hello');
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(client.pending).toBe(0);
  });
});

describe('@OnError', () => {
  it.each<[string, (connection: Connection, error: unknown) => unknown, unknown]>([
    ['that returns a value answers with it', () => 'sorry', { event: 'do', data: 'sorry', id: 1 }],
    ['that resolves to a value answers with it', async () => 'sorry', { event: 'do', data: 'sorry', id: 1 }],
    ['that sends has answered', (connection) => void connection.send('sorry'), 'sorry'],
    [
      'that only looks leaves the answer to the default',
      () => undefined,
      { event: 'error', id: 1, data: { code: 'conflict', message: 'taken' } },
    ],
    [
      'that fails leaves the answer to the default',
      () => {
        throw new Error('in @OnError');
      },
      { event: 'error', id: 1, data: { code: 'conflict', message: 'taken' } },
    ],
  ])('%s, once', async (_how, onError, reply) => {
    @WsEndpoint({ path: 'probe', serializer: 'json' })
    class Probe {
      @OnMessage('do')
      do(_connection: Connection, data: unknown): string {
        if (data === 'ok') return 'done';
        throw new ConflictException('taken');
      }

      @OnError()
      fail(connection: Connection, error: unknown): unknown {
        return onError(connection, error);
      }
    }
    const app = await startApp({ endpoints: [Probe] });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 1 });
    expect(await client.nextJson()).toEqual(reply);
    void client.send({ event: 'do', data: 'ok' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 'done' });
  });
});
