import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { finalize, map, NEVER, Observable, startWith, Subject, switchMap, tap } from 'rxjs';
import { Connection, OnMessage, WsEndpoint } from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

type Intercept = (context: ExecutionContext, next: CallHandler) => Observable<unknown>;

const looks: Intercept = (_context, next) => next.handle().pipe(tap(() => undefined));

/** Only hands on what comes; what it subscribed to goes on when its own subscriber leaves. */
const forgetsToStop: Intercept = (_context, next) =>
  new Observable((subscriber) => {
    next.handle().subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
  });

function around(
  handle: (connection: Connection) => unknown,
  intercepts: Intercept[],
  rest: AppSpec = {},
): Promise<StartedApp> {
  @WsEndpoint({ path: 'probe', serializer: 'json' })
  class Probe {
    @UseInterceptors(...intercepts.map((intercept): NestInterceptor => ({ intercept })))
    @OnMessage('do')
    do(connection: Connection): unknown {
      return handle(connection);
    }

    @OnMessage('other')
    other(): string {
      return 'heard';
    }
  }
  return startApp({ ...rest, endpoints: [Probe] });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a stream of a method, inside interceptors', () => {
  it.each<[string, Intercept[]]>([
    ['without any', []],
    ['with one that looks', [looks]],
    ['with several', [looks, (_context, next) => next.handle().pipe(map((row) => row)), looks]],
  ])('is pulled no faster than the client reads: %s', async (_what, intercepts) => {
    const row = 'x'.repeat(16_384);
    const rows = 400;
    let pulled = 0;
    async function* table(): AsyncGenerator<string> {
      // Rows out of memory: it never really waits.
      while (pulled < rows) {
        pulled++;
        yield row;
      }
    }
    const app = await around(table, intercepts);
    const client = await app.connect('/ws/probe');
    client.raw.pause();
    void client.send({ event: 'do' });
    const [connection] = app.registry;
    while (connection?.bufferedBytes === 0) await turn();
    for (let n = 0; n < 200; n++) await turn();
    expect(pulled).toBeLessThan(rows);
    expect(connection?.bufferedBytes).toBeLessThan(1_048_576);
    client.raw.resume();
    for (let n = 0; n < rows; n++) expect(await client.nextJson()).toEqual({ event: 'do', data: row });
    expect(connection?.state).toBe('open');
  });

  it('leaves other clients and pages their turn while a generator runs that never waits', async () => {
    const ended = new Gate();
    async function* endless(): AsyncGenerator<undefined> {
      try {
        // Items that are not sent: nothing but turns can hold it.
        for (;;) yield undefined;
      } finally {
        ended.open();
      }
    }
    const app = await around(endless, [looks]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    const other = await app.connect('/ws/probe');
    void other.send({ event: 'other' });
    expect(await other.nextJson()).toEqual({ event: 'other', data: 'heard' });
    void client.terminate();
    await ended.opened;
  });

  it.each<[string, (stopped: Journal) => unknown]>([
    [
      'a generator',
      async function* (stopped) {
        try {
          for (;;) {
            yield 1;
            await turn();
          }
        } finally {
          stopped.add('stopped');
        }
      },
    ],
    [
      'an interval',
      (stopped) =>
        new Observable<number>((subscriber) => {
          const timer = setInterval(() => subscriber.next(1), 1);
          return () => {
            clearInterval(timer);
            stopped.add('stopped');
          };
        }),
    ],
  ])('ends with the connection, also behind an interceptor that forgets to stop: %s', async (_what, source) => {
    const stopped = new Journal();
    const app = await around(() => source(stopped), [forgetsToStop, looks]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    await client.next();
    void client.terminate();
    expect(await stopped.next()).toBe('stopped');
    expect(app.logs.problems).toEqual([]);
  });
});

describe('a stream that interceptors make of a value', () => {
  it.each<[string, Intercept]>([
    [
      'startWith, of a value',
      (_context, next) => next.handle().pipe(switchMap((value) => NEVER.pipe(startWith(value)))),
    ],
    [
      'startWith, of a promise',
      (_context, next) =>
        next.handle().pipe(
          switchMap(async (value: unknown) => value),
          switchMap((value) => NEVER.pipe(startWith(value))),
        ),
    ],
  ])('does not keep the connection from being heard: %s', async (_what, intercept) => {
    const app = await around(() => 'first', [intercept]);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    void client.send({ event: 'other' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 'first' });
    expect(await client.nextJson()).toEqual({ event: 'other', data: 'heard' });
  });

  it('goes on, with the id, until the connection ends', async () => {
    const changes = new Subject<number>();
    const app = await around(
      () => 0,
      [(_context, next) => next.handle().pipe(switchMap((value: number) => changes.pipe(startWith(value))))],
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do', id: 7 });
    expect(await client.nextJson()).toEqual({ event: 'do', data: 0, id: 7 });
    changes.next(1);
    expect(await client.nextJson()).toEqual({ event: 'do', data: 1, id: 7 });
    await client.close();
    while (app.registry.size > 0) await turn();
    expect(changes.observed).toBe(false);
  });
});

describe('a method whose promise is iterable as well, such as a query', () => {
  it.each([
    ['without interceptors', []],
    ['with one', [looks]],
  ])('is awaited: %s', async (_what, intercepts) => {
    const query = (): unknown => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the query builders of mongoose and knex are such objects
      then: (resolve: (rows: unknown) => void) => resolve(['a', 'b']),
      async *[Symbol.asyncIterator]() {
        yield 'a';
        yield 'b';
      },
    });
    const app = await around(query, intercepts);
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    expect(await client.nextJson()).toEqual({ event: 'do', data: ['a', 'b'] });
  });
});

describe('the clean-up of a stream', () => {
  const store = new AsyncLocalStorage<string>();
  const inStore: Intercept = (_context, next) => store.run('of the interceptor', () => next.handle());

  it.each<[string, (seen: (where: string) => void) => unknown]>([
    [
      'the teardown of an Observable',
      (seen) =>
        new Observable<number>((subscriber) => {
          subscriber.next(1);
          return () => seen('teardown');
        }),
    ],
    [
      'finalize',
      (seen) =>
        NEVER.pipe(
          startWith(1),
          finalize(() => seen('finalize')),
        ),
    ],
    [
      'finally of a generator',
      async function* (seen) {
        try {
          for (;;) {
            yield 1;
            await turn();
          }
        } finally {
          seen('finally');
        }
      },
    ],
  ])('finds the injected connection and the store of an interceptor: %s', async (_what, source) => {
    const found = new Journal<unknown[]>();
    const app = await around(
      (connection) =>
        source(() => found.add([store.getStore(), app.app.get(Connection, { strict: false }).id === connection.id])),
      [inStore],
      { options: { context: 'async-local' } },
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    await client.next();
    void client.terminate();
    expect(await found.next()).toEqual(['of the interceptor', true]);
  });

  it('is in the context of the connection for listeners of its signal', async () => {
    const found = new Journal<unknown>();
    const app = await around(
      (connection) => {
        connection.signal.addEventListener('abort', () =>
          found.add(app.app.get(Connection, { strict: false }).id === connection.id),
        );
        return 'listening';
      },
      [],
      { options: { context: 'async-local' } },
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    await client.next();
    void client.terminate();
    expect(await found.next()).toBe(true);
  });

  it('is logged when it fails', async () => {
    const app = await around(
      () =>
        new Observable<number>((subscriber) => {
          subscriber.next(1);
          return () => {
            throw new Error('still locked');
          };
        }),
      [looks],
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    await client.next();
    void client.terminate();
    await app.logs.waitFor('error', /The clean-up of a stream failed/);
    expect(app.logs.problems.join('\n')).toContain('still locked');
  });
});
