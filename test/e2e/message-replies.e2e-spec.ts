import { describe, expect, it } from '@jest/globals';
import type { WsResponse } from '@nestjs/websockets';
import { EMPTY, from, map, Observable, of, throwError } from 'rxjs';
import { Connection, OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { takeJson } from '../support/take.js';

/** Boots json and raw endpoints whose reply to every message is what `reply` returns. */
async function replying(reply: () => unknown): Promise<StartedApp> {
  @WsEndpoint({ path: 'plain', serializer: 'json' })
  class Plain {
    @OnMessage()
    answer(_connection: Connection, message: unknown): unknown {
      return message === 'marker' ? message : reply();
    }
  }
  @WsEndpoint({ path: 'event', serializer: 'json' })
  class Event {
    @OnMessage('marker')
    mark(): string {
      return 'marker';
    }

    @OnMessage('ask')
    answer(): unknown {
      return reply();
    }
  }
  @WsEndpoint('raw')
  class Raw extends Plain {}
  return startApp({ endpoints: [Plain, Event, Raw] });
}

async function* items(...values: unknown[]): AsyncGenerator {
  yield* values;
}

const messageOf = (message: string | Buffer): unknown =>
  typeof message === 'string' ? (JSON.parse(message) as unknown) : message;

/** Everything that arrives before the marker that is asked for last. */
async function upToMarker(client: QueuedClient, marker: unknown): Promise<unknown[]> {
  const received: unknown[] = [];
  for (;;) {
    const message = messageOf(await client.next());
    if (JSON.stringify(message) === JSON.stringify(marker)) return received;
    received.push(message);
  }
}

describe('a reply', () => {
  const wsResponse: WsResponse<number> = { event: 'other', data: 5 };

  describe.each<[string, () => unknown, unknown[], object[]?]>([
    ['a value', () => 5, [5]],
    ['a value that looks false', () => 0, [0]],
    ['an empty text', () => '', ['']],
    ['null', () => null, [null]],
    ['undefined: none, but to an event with an id', () => undefined, [], [{ event: 'ask', id: 9 }]],
    ['an object', () => ({ a: 1 }), [{ a: 1 }]],
    ['a list, as one message', () => [1, 2], [[1, 2]]],
    ['a promise', async () => ({ a: 1 }), [{ a: 1 }]],
    ['a promise of undefined: the same', async () => undefined, [], [{ event: 'ask', id: 9 }]],
    // oxlint-disable-next-line unicorn/no-thenable -- the query builders of mongoose and knex are such objects
    ['a thenable', () => ({ then: (resolve: (value: string) => void) => resolve('late') }), ['late']],
    ['an Observable, each item a message', () => of(1, undefined, 2), [1, 2]],
    ['an empty Observable: none', () => EMPTY, []],
    ['a promise of an Observable', async () => from([1, 2]), [1, 2]],
    ['an async iterable, each item a message', () => items(1, undefined, null, 2), [1, null, 2]],
    ['an async iterable of promises', () => items(Promise.resolve(1), 2), [1, 2]],
    ['an empty async iterable: none', () => items(), []],
    ['a promise of an async iterable', async () => items('a', 'b'), ['a', 'b']],
    ['a Date, as JSON has it', () => new Date(0), ['1970-01-01T00:00:00.000Z']],
  ])('that is %s', (_what, reply, expected, toEvent) => {
    it('is sent as it is without an event', async () => {
      const app = await replying(reply);
      const client = await app.connect('/ws/plain');
      void client.send('"question"');
      const received = await takeJson(client, expected.length);
      void client.send('"marker"');
      expect([...received, ...(await upToMarker(client, 'marker'))]).toEqual(expected);
    });

    it('is wrapped with event and id for an event', async () => {
      const app = await replying(reply);
      const client = await app.connect('/ws/event');
      void client.send({ event: 'ask', id: 9 });
      const received = await takeJson(client, expected.length);
      void client.send({ event: 'marker' });
      received.push(...(await upToMarker(client, { event: 'marker', data: 'marker' })));
      expect(received).toEqual(toEvent ?? expected.map((data) => ({ event: 'ask', data, id: 9 })));
    });
  });

  it.each<[string, () => unknown, unknown]>([
    ['with its own event', () => wsResponse, { event: 'other', data: 5, id: 9 }],
    ['by a promise', async () => wsResponse, { event: 'other', data: 5, id: 9 }],
    ['in a stream', () => of(wsResponse), { event: 'other', data: 5, id: 9 }],
    ['with an id of its own', () => ({ ...wsResponse, id: 'own' }), { event: 'other', data: 5, id: 'own' }],
  ])('that is a WsResponse keeps its name: %s', async (_what, reply, expected) => {
    const app = await replying(reply);
    const client = await app.connect('/ws/event');
    void client.send({ event: 'ask', id: 9 });
    expect(await client.nextJson()).toEqual(expected);
  });

  it.each<[string, () => unknown]>([
    ['a Buffer', () => Buffer.from([1, 2])],
    ['a Uint8Array', () => Uint8Array.of(0, 1, 2).subarray(1)],
    ['a promise of a Buffer', async () => Buffer.from([1, 2])],
    ['a stream of a Buffer', () => items(Buffer.from([1, 2]))],
  ])('that is %s is sent as binary, as it is, by every serializer', async (_what, reply) => {
    const app = await replying(reply);
    for (const path of ['plain', 'event', 'raw']) {
      const client = await app.connect(`/ws/${path}`);
      void client.send(path === 'event' ? { event: 'ask' } : '"question"');
      expect(await client.next()).toEqual(Buffer.from([1, 2]));
    }
  });

  it.each<[string, () => unknown]>([
    ['a BigInt', () => ({ big: 1n })],
    [
      'a promise of a cycle',
      async () => {
        const a: { a?: unknown } = {};
        a.a = a;
        return a;
      },
    ],
    [
      'a toJSON that throws',
      () => ({
        toJSON: () => {
          throw new Error('secret');
        },
      }),
    ],
    ['an Observable of a function', () => of(() => 1)],
    ['an async iterable of a symbol', () => items(Symbol('s'))],
  ])(
    'that JSON cannot carry (%s) is an error to the client and in the log, and the connection stays',
    async (_what, reply) => {
      const app = await replying(reply);
      const client = await app.connect('/ws/plain');
      void client.send('"question"');
      expect(await client.nextJson()).toEqual({
        event: 'error',
        data: { code: 'internal_error', message: expect.any(String) },
      });
      void client.send('"marker"');
      expect(await client.nextJson()).toBe('marker');
      expect(app.logs.at('error')).toEqual([expect.stringContaining('could not be encoded')]);
    },
  );

  it.each<[string, () => unknown]>([
    ['a number', () => 5],
    ['null', () => null],
    ['an object', () => ({ a: 1 })],
    ['a promise of true', async () => true],
  ])('that a raw endpoint cannot send (%s) closes with 1011', async (_what, reply) => {
    const app = await replying(reply);
    const client = await app.connect('/ws/raw');
    void client.send('question');
    expect(await client.closed()).toMatchObject({ code: 1011, clean: true });
    expect(app.logs.at('error')).toEqual([expect.stringContaining('raw serializer')]);
  });

  it.each<[string, () => unknown]>([
    [
      'an Observable',
      () =>
        new Observable((subscriber) => {
          subscriber.next(1);
          subscriber.error(new Error('secret'));
        }),
    ],
    ['a promise of an Observable', async () => throwError(() => new Error('secret')).pipe(map(String))],
    [
      'an async iterable',
      async function* () {
        yield 1;
        throw new Error('secret');
      },
    ],
  ])('that breaks off (%s) ends with an error that has the id, and tells nothing', async (_what, reply) => {
    const app = await replying(reply);
    const client = await app.connect('/ws/event');
    void client.send({ event: 'ask', id: 3 });
    let last = await client.nextJson<{ event: string }>();
    if (last.event === 'ask') last = await client.nextJson();
    expect(last).toEqual({ event: 'error', id: 3, data: { code: 'internal_error', message: 'Internal server error' } });
    void client.send({ event: 'marker' });
    expect(await client.nextJson()).toMatchObject({ data: 'marker' });
  });
});
