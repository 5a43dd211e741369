import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import * as common from '@nestjs/common';
import {
  ClassSerializerInterceptor,
  NotFoundException,
  SerializeOptions,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Exclude } from 'class-transformer';
import { catchError, defer, EMPTY, from, map, of, tap, throwError, timeout, type Observable } from 'rxjs';
import { z } from 'zod';
import { Connection, OnMessage, WsEndpoint } from '../../../src/index.js';
import { Gate } from '../../support/journal.js';
import { describeNest } from '../../support/nest-features.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

type Intercept = (context: ExecutionContext, next: CallHandler) => Observable<unknown> | Promise<Observable<unknown>>;

function interceptor(intercept: Intercept): NestInterceptor {
  return { intercept };
}

/** Boots an endpoint whose messages are handled by a function, inside interceptors. */
function around(
  handle: (data: unknown) => unknown,
  interceptors: (NestInterceptor | (new (...args: never[]) => NestInterceptor))[],
  rest: AppSpec = {},
): Promise<StartedApp> {
  @WsEndpoint({ path: 'probe', serializer: 'json' })
  class Probe {
    @UseInterceptors(...interceptors)
    @OnMessage('do')
    do(_connection: Connection, data: unknown): unknown {
      return handle(data);
    }
  }
  return startApp({ ...rest, endpoints: [Probe] });
}

describe('an interceptor around a message', () => {
  const upper = interceptor((_context, next) => next.handle().pipe(map((value) => String(value).toUpperCase())));

  it.each<[string, (data: unknown) => unknown, string[]]>([
    ['a value', (data) => data, ['A']],
    ['a promise', async (data) => data, ['A']],
    ['every item of an Observable', (data) => from([data, 'b']), ['A', 'B']],
    [
      'every item of an AsyncIterable',
      async function* (data) {
        yield data;
        yield 'b';
      },
      ['A', 'B'],
    ],
    ['a promise of an Observable', async (data) => from([data, 'b']), ['A', 'B']],
  ])('changes %s, and the id stays with it', async (_what, handle, replies) => {
    const app = await around(handle, [upper]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', data: 'a', id: 1 });
    for (const data of replies) expect(await client.nextJson()).toEqual({ event: 'do', data, id: 1 });
  });

  it.each<[string, Intercept]>([
    ['of its own', () => of('own')],
    ['that comes later', async () => of('own')],
    ['instead of an exception', (_context, next) => next.handle().pipe(catchError(() => of('own')))],
  ])('answers with a value %s', async (_what, intercept) => {
    const app = await around(() => {
      throw new Error('never seen');
    }, [interceptor(intercept)]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 'own' });
    expect(app.logs.problems).toEqual([]);
  });

  it('keeps a reply back', async () => {
    const app = await around(
      (data) => data,
      [interceptor((context, next) => (context.switchToWs().getData() === 'secret' ? EMPTY : next.handle()))],
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', data: 'secret' });
    void client.send({ event: 'do', data: 'open' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 'open' });
  });

  it.each<[string, Intercept]>([
    [
      'throws',
      () => {
        throw new NotFoundException('no such thing');
      },
    ],
    ['rejects', () => Promise.reject(new NotFoundException('no such thing'))],
    ['fails as an Observable', () => throwError(() => new NotFoundException('no such thing'))],
    [
      'throws while it looks at the reply',
      (_context, next) =>
        next.handle().pipe(
          tap(() => {
            throw new NotFoundException('no such thing');
          }),
        ),
    ],
  ])('that %s answers with an error that has the id', async (_how, intercept) => {
    const app = await around((data) => data, [interceptor(intercept)]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 'x' });
    const data = { code: 'not_found', message: 'no such thing' };
    expect(await client.nextJson()).toEqual({ event: 'error', id: 'x', data });
  });

  it('gives up on a method that takes too long', async () => {
    const app = await around(
      () => new Promise(() => undefined),
      [
        interceptor((_context, next) =>
          next.handle().pipe(timeout({ first: 1, with: () => throwError(() => new NotFoundException('too late')) })),
        ),
      ],
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    expect(await client.nextJson()).toMatchObject({ event: 'error', data: { message: 'too late' } });
  });

  it('surrounds the next one and the method, outermost first', async () => {
    const happened: string[] = [];
    const named = (name: string): NestInterceptor =>
      interceptor((_context, next) => {
        happened.push(`before ${name}`);
        return next.handle().pipe(tap(() => happened.push(`after ${name}`)));
      });
    const app = await around(() => happened.push('method'), [named('outer'), named('inner')]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    await client.next();
    expect(happened).toEqual(['before outer', 'before inner', 'method', 'after inner', 'after outer']);
  });

  it('runs the method as often as it asks for it', async () => {
    let runs = 0;
    const app = await around(() => {
      if (++runs < 3) throw new Error('not yet');
      return `run ${runs}`;
    }, [
      interceptor((_context, next) =>
        defer(() => next.handle()).pipe(
          catchError(() => next.handle()),
          catchError(() => next.handle()),
        ),
      ),
    ]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 'run 3' });
  });

  it('that waits keeps the messages in order', async () => {
    const gate = new Gate();
    const app = await around(
      (data) => data,
      [
        interceptor(async (context, next) => {
          if (context.switchToWs().getData() === 'one') await gate.opened;
          return next.handle();
        }),
      ],
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', data: 'one' });
    await client.send({ event: 'do', data: 'two' });
    gate.open();
    expect([await client.nextJson(), await client.nextJson()]).toEqual([
      { event: 'do', data: 'one' },
      { event: 'do', data: 'two' },
    ]);
  });

  it('gives the method an async context of its own, also after an await', async () => {
    const storage = new AsyncLocalStorage<string>();
    const app = await around(async () => {
      const before = storage.getStore();
      await Promise.resolve();
      return [before, storage.getStore()];
    }, [interceptor((context, next) => storage.run(String(context.switchToWs().getData()), () => next.handle()))]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', data: 'first' });
    void client.send({ event: 'do', data: 'second' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: ['first', 'first'] });
    expect(await client.nextJson()).toEqual({ event: 'do', data: ['second', 'second'] });
  });
});

describe('the serializer interceptors of Nest', () => {
  class Account {
    readonly name = 'alice';

    @Exclude()
    readonly password = 'secret';
  }

  it('leave out what ClassSerializerInterceptor excludes', async () => {
    const app = await around(() => new Account(), [ClassSerializerInterceptor]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: { name: 'alice' } });
  });

  describeNest('schema', () => {
    it('leave out what the schema of @SerializeOptions does not have', async () => {
      @WsEndpoint({ path: 'accounts', serializer: 'json' })
      class Accounts {
        @UseInterceptors(common.StandardSchemaSerializerInterceptor)
        @SerializeOptions({ schema: z.object({ name: z.string() }) })
        @OnMessage('get')
        get(): Account {
          return new Account();
        }
      }
      const app = await startApp({ endpoints: [Accounts] });
      const client = await app.connect('/ws/accounts');
      void client.send({ event: 'get', id: 1 });
      expect(await client.nextJson()).toEqual({ event: 'get', data: { name: 'alice' }, id: 1 });
    });
  });
});
