import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { from, interval, Observable } from 'rxjs';
import { Connection, OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** Boots a json and a raw endpoint that answer `go` with a stream and anything else with itself. */
async function replying(stream: () => unknown): Promise<StartedApp> {
  @WsEndpoint({ path: 'json', serializer: 'json' })
  class Json {
    @OnMessage()
    answer(_connection: Connection, message: unknown): unknown {
      return message === 'go' ? stream() : message;
    }
  }
  @WsEndpoint('raw')
  class Raw extends Json {}
  return startApp({ endpoints: [Json, Raw] });
}

describe('a stream of replies', () => {
  it('does not keep later messages waiting', async () => {
    const app = await replying(() => interval(1));
    const client = await app.connect('/ws/json');
    void client.send('"go"');
    await client.next();
    void client.send('"later"');
    let received = await client.next();
    while (received !== '"later"') received = await client.next();
    expect(client.state).toBe('open');
  });

  it.each<[string, () => unknown]>([
    ['an Observable', () => from([nextTurn('first'), 'second', Promise.resolve('third')])],
    [
      'an AsyncIterable',
      () => {
        const items = [nextTurn('first'), 'second', Promise.resolve('third')];
        return {
          [Symbol.asyncIterator]: () => ({ next: async () => ({ done: items.length === 0, value: items.shift() }) }),
        };
      },
    ],
  ])('awaits items that are promises, in their order: %s', async (_what, stream) => {
    const app = await replying(stream);
    const client = await app.connect('/ws/json');
    void client.send('"go"');
    expect([await client.next(), await client.next(), await client.next()]).toEqual(['"first"', '"second"', '"third"']);
    expect(app.logs.problems).toEqual([]);
  });

  it('ends with the error of a promise, which is that of the handler', async () => {
    const app = await replying(() => from([nextTurn('first'), Promise.reject(new Error('broken')), 'never']));
    const client = await app.connect('/ws/json');
    void client.send('"go"');
    expect(await client.next()).toBe('"first"');
    expect(await client.nextJson()).toMatchObject({ event: 'error', data: { code: 'internal_error' } });
    void client.send('"still there"');
    expect(await client.next()).toBe('"still there"');
  });

  describe.each<[string, (client: QueuedClient, app: StartedApp) => unknown]>([
    ['the client closes', (client) => client.close(1000)],
    ['the client vanishes', (client) => client.terminate()],
    ['the server closes', (_client, app) => app.registry.close()],
    [
      'the server cuts the connection',
      (_client, app) => [...app.registry].forEach((connection) => connection.terminate()),
    ],
    ['the application stops', (_client, app) => app.app.close()],
  ])('is stopped when %s:', (_how, end) => {
    it('finally of a generator runs', async () => {
      const stopped = new Journal();
      async function* endless(): AsyncGenerator<number> {
        try {
          for (let n = 0; ; n++) yield n;
        } finally {
          stopped.add('finally');
        }
      }
      const app = await replying(endless);
      const client = await app.connect('/ws/json');
      void client.send('"go"');
      await client.next();
      await end(client, app);
      expect(await stopped.next()).toBe('finally');
    });

    it('an Observable is unsubscribed', async () => {
      const stopped = new Journal();
      const app = await replying(
        () =>
          new Observable((subscriber) => {
            subscriber.next('first');
            return () => stopped.add('unsubscribed');
          }),
      );
      const client = await app.connect('/ws/json');
      void client.send('"go"');
      await client.next();
      await end(client, app);
      expect(await stopped.next()).toBe('unsubscribed');
    });

    it('an iterator that waits is told to return', async () => {
      const stopped = new Journal();
      const never = new Gate<IteratorResult<number>>();
      let first = true;
      const app = await replying(() => ({
        [Symbol.asyncIterator]: () => ({
          next: () => {
            if (!first) return never.opened;
            first = false;
            return Promise.resolve({ done: false, value: 1 });
          },
          return: () => {
            stopped.add('return');
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      }));
      const client = await app.connect('/ws/json');
      void client.send('"go"');
      await client.next();
      await end(client, app);
      expect(await stopped.next()).toBe('return');
    });
  });

  it('is pulled no faster than the client reads', async () => {
    const block = Buffer.alloc(65_536);
    async function* large(): AsyncGenerator<Buffer> {
      for (let n = 0; n < 300; n++) yield block;
    }
    const app = await replying(large);
    const client = await app.connect('/ws/raw');
    client.raw.pause();
    void client.send('go');
    const [connection] = app.registry;
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    while (connection?.bufferedBytes === 0) await turn();
    for (let n = 0; n < 100; n++) await turn();
    expect(connection?.bufferedBytes).toBeLessThan(1_048_576);
    client.raw.resume();
    for (let n = 0; n < 300; n++) expect((await client.next()).length).toBe(block.length);
    expect(connection?.state).toBe('open');
  });
});
