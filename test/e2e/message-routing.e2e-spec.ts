import { describe, expect, it } from '@jest/globals';
import { Connection, OnMessage, WsEndpoint } from '../../src/index.js';
import { startApp } from '../support/start-app.js';
import { take, takeJson } from '../support/take.js';

describe('the route of a message', () => {
  @WsEndpoint({ path: 'all', serializer: 'json' })
  class All {
    @OnMessage()
    any(_connection: Connection, message: unknown): unknown {
      return { by: 'any', message };
    }

    @OnMessage('known')
    known(_connection: Connection, message: unknown): unknown {
      return { by: 'known', message };
    }

    @OnMessage({ binary: true })
    binary(message: Buffer): unknown {
      return { by: 'binary', message: message.toString() };
    }
  }

  it.each<[string, unknown, unknown]>([
    ['an event goes to its method', { event: 'known', data: 1 }, { event: 'known', data: { by: 'known', message: 1 } }],
    ['another event to the method for all', { event: 'other' }, { by: 'any', message: { event: 'other' } }],
    ['what is no event to the method for all', '[1]', { by: 'any', message: [1] }],
    ['null as well', 'null', { by: 'any', message: null }],
    ['a text as well', '"known"', { by: 'any', message: 'known' }],
    ['binary to the method for binary, undecoded', Buffer.from('{'), { by: 'binary', message: '{' }],
  ])('%s', async (_what, message, reply) => {
    const app = await startApp({ endpoints: [All] });
    const client = await app.connect('/ws/all');
    void client.send(message);
    expect(await client.nextJson()).toEqual(reply);
  });

  it('leads binary past the method for all on a raw endpoint too', async () => {
    @WsEndpoint('raw')
    class Raw {
      @OnMessage()
      any(_connection: Connection, message: unknown): string {
        return `any ${String(message)}`;
      }

      @OnMessage({ binary: true })
      binary(message: Buffer): Buffer {
        return message.reverse();
      }
    }
    const app = await startApp({ endpoints: [Raw] });
    const client = await app.connect('/ws/raw');
    void client.send('text');
    void client.send(Buffer.from([1, 2]));
    expect(await take(client, 2)).toEqual(['any text', Buffer.from([2, 1])]);
  });

  it('leads several events to one method', async () => {
    @WsEndpoint({ path: 'several', serializer: 'json' })
    class Several {
      @OnMessage('a')
      @OnMessage('b')
      both(): string {
        return 'same';
      }
    }
    const app = await startApp({ endpoints: [Several] });
    const client = await app.connect('/ws/several');
    void client.send({ event: 'b' });
    void client.send({ event: 'a' });
    expect(await takeJson(client, 2)).toEqual([
      { event: 'b', data: 'same' },
      { event: 'a', data: 'same' },
    ]);
  });
});
