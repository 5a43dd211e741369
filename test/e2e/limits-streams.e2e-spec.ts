import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { map, NEVER, Observable, startWith, switchMap, takeUntil, tap, Subject } from 'rxjs';
import { OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

class Looks implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap(() => undefined));
  }
}

class GoesOn implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(switchMap((value) => NEVER.pipe(startWith(value), takeUntil(stop))));
  }
}

/** Ends all streams of a test. */
let stop = new Subject<void>();
let began = new Journal();

function observable(): Observable<string> {
  return new Observable<string>((subscriber) => {
    began.add('begun');
    subscriber.next('item');
    return stop.subscribe(() => subscriber.complete());
  });
}

async function* generator(): AsyncGenerator<string> {
  began.add('begun');
  yield 'item';
  await new Promise<void>((resolve) => void stop.subscribe(() => resolve()));
}

@WsEndpoint({ path: 'feeds', serializer: 'json', limits: { maxStreams: 2 } })
class Feeds {
  @OnMessage('observable')
  observable(): unknown {
    return observable();
  }

  @OnMessage('generator')
  generator(): unknown {
    return generator();
  }

  @OnMessage('promise')
  async promise(): Promise<unknown> {
    return generator();
  }

  @UseInterceptors(Looks)
  @OnMessage('intercepted observable')
  interceptedObservable(): unknown {
    return observable();
  }

  @UseInterceptors(Looks, Looks)
  @OnMessage('intercepted generator')
  interceptedGenerator(): unknown {
    return generator();
  }

  @UseInterceptors(Looks)
  @OnMessage('intercepted promise')
  async interceptedPromise(): Promise<unknown> {
    return generator();
  }

  @UseInterceptors(GoesOn)
  @OnMessage('interceptor that goes on')
  value(): string {
    began.add('begun');
    return 'item';
  }

  @UseInterceptors(Looks)
  @OnMessage('other')
  other(): string {
    return 'heard';
  }
}

@WsEndpoint({ path: 'raw', limits: { maxStreams: 1 } })
class Raw {
  @OnMessage()
  feed(): unknown {
    return observable();
  }
}

async function boot(): Promise<StartedApp> {
  stop = new Subject();
  began = new Journal();
  return startApp({ endpoints: [Feeds, Raw] });
}

/** Asks for so many streams and reads the first item of each. */
async function begin(client: QueuedClient, event: string, count: number): Promise<void> {
  for (let id = 1; id <= count; id++) {
    void client.send({ event, id });
    expect(await client.nextJson()).toEqual({ event, data: 'item', id });
  }
}

const REFUSED = { code: 'too_many_streams', message: 'Too many streams run on this connection.' };

describe('limits.maxStreams', () => {
  it.each([
    'observable',
    'generator',
    'promise',
    'intercepted observable',
    'intercepted generator',
    'intercepted promise',
  ])('answers one more with an error under its id and does not begin it: %s', async (event) => {
    const app = await boot();
    const client = await app.connect('/ws/feeds');
    await begin(client, event, 2);
    void client.send({ event, id: 'more' });
    expect(await client.nextJson()).toEqual({ event: 'error', id: 'more', data: REFUSED });
    expect(began.entries).toHaveLength(2);
    void client.send({ event: 'other', id: 4 });
    expect(await client.nextJson()).toEqual({ event: 'other', data: 'heard', id: 4 });
    // The bound is that of one connection, and what has ended makes room.
    await begin(await app.connect('/ws/feeds'), event, 2);
    stop.next();
    await new Promise((resolve) => setImmediate(resolve));
    await begin(client, event, 2);
    expect(app.logs.problems).toEqual([]);
  });

  it('ends a chain of interceptors that goes on after its first item, and says why', async () => {
    const app = await boot();
    const client = await app.connect('/ws/feeds');
    await begin(client, 'interceptor that goes on', 2);
    void client.send({ event: 'interceptor that goes on', id: 3 });
    expect(await client.nextJson()).toMatchObject({ data: 'item', id: 3 });
    expect(await client.nextJson()).toEqual({ event: 'error', id: 3, data: REFUSED });
    void client.send({ event: 'other' });
    expect(await client.nextJson()).toEqual({ event: 'other', data: 'heard' });
    stop.next();
    await begin(client, 'interceptor that goes on', 2);
  });

  it('closes a raw endpoint with 1008, which has no form for errors', async () => {
    const app = await boot();
    const client = await app.connect('/ws/raw');
    void client.send('one');
    expect(await client.next()).toBe('item');
    void client.send('two');
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'too many streams' });
    expect(began.entries).toHaveLength(1);
    expect(app.logs.problems).toEqual([]);
  });

  it.each([['a method'], ['a method inside interceptors']])(
    'destroys a stream of Node that is not begun, so that its file is not left open: %s',
    async (event) => {
      const streams: Readable[] = [];
      const open = (): Readable => {
        const stream = new Readable({ objectMode: true, read: () => undefined });
        stream.push('item');
        streams.push(stream);
        return stream;
      };
      @WsEndpoint({ path: 'files', serializer: 'json', limits: { maxStreams: 1 } })
      class Files {
        @OnMessage('a method')
        plain(): unknown {
          return open();
        }

        @UseInterceptors(Looks)
        @OnMessage('a method inside interceptors')
        intercepted(): unknown {
          return open();
        }
      }
      const app = await startApp({ endpoints: [Files] });
      const client = await app.connect('/ws/files');
      await begin(client, event, 1);
      void client.send({ event, id: 2 });
      expect(await client.nextJson()).toEqual({ event: 'error', id: 2, data: REFUSED });
      const [first, second] = streams;
      if (second?.closed === false) await once(second, 'close');
      expect([first?.destroyed, second?.destroyed]).toEqual([false, true]);
    },
  );

  it.each([
    [{ limits: { maxStreams: 2 } }, 2],
    [{}, 1_000],
  ])('bounds those of a client of a gateway: %o', async (options, most) => {
    stop = new Subject();
    began = new Journal();
    @WebSocketGateway({ path: '/stock' })
    class Stock {
      @UseInterceptors(Looks)
      @SubscribeMessage('feed')
      feed(): unknown {
        return observable().pipe(map((data) => ({ event: 'feed', data })));
      }
    }
    const app = await startApp({ options: { gateways: true, ...options }, providers: [Stock] });
    const client = await app.connect('/stock');
    for (let count = 0; count < most; count++) void client.send({ event: 'feed' });
    for (let count = 0; count < most; count++) expect(await client.nextJson()).toEqual({ event: 'feed', data: 'item' });
    void client.send({ event: 'feed' });
    expect(await client.nextJson()).toMatchObject({ event: 'exception', data: { message: REFUSED.message } });
    expect(began.entries).toHaveLength(most);
    expect(app.logs.problems).toEqual([]);
  });
});
