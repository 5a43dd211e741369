import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

describe('a raw endpoint', () => {
  @WsEndpoint('echo')
  class Echo {
    @OnMessage()
    echo(_connection: Connection, message: unknown): unknown {
      return message;
    }
  }

  it.each<[string, string]>([
    ['text', 'hello'],
    ['text beyond ASCII', 'grüße \u{1F600} 世界'],
    ['an empty text', ''],
    ['a text that looks false', '0'],
    ['a text that looks like JSON', '{"event":"x"}'],
    ['125 bytes', 'x'.repeat(125)],
    ['126 bytes', 'x'.repeat(126)],
    ['65 535 bytes', 'x'.repeat(65_535)],
    ['64 KiB', 'x'.repeat(65_536)],
    ['a line separator and a NUL', '\u2028\0'],
  ])('echoes %s as text', async (_what, message) => {
    const app = await startApp({ endpoints: [Echo] });
    const client = await app.connect('/ws/echo');
    void client.send(message);
    expect(await client.next()).toBe(message);
  });

  it.each<[string, Buffer]>([
    ['bytes', Buffer.from([0x00, 0x01, 0xfe])],
    ['no bytes', Buffer.alloc(0)],
    ['bytes that would be text', Buffer.from('text')],
    ['64 KiB', Buffer.alloc(65_536, 7)],
  ])('echoes %s as binary', async (_what, message) => {
    const app = await startApp({ endpoints: [Echo] });
    const client = await app.connect('/ws/echo');
    void client.send(message);
    const echoed = await client.next();
    expect(Buffer.isBuffer(echoed) && echoed.equals(message)).toBe(true);
  });

  it('hands over text as a string and binary as a Buffer', async () => {
    const seen: unknown[] = [];
    @WsEndpoint('look')
    class Look {
      @OnMessage()
      look(_connection: Connection, message: unknown): string {
        seen.push(message);
        return 'seen';
      }
    }
    const app = await startApp({ endpoints: [Look] });
    const client = await app.connect('/ws/look');
    void client.send('text');
    void client.send(Buffer.from('binary'));
    await client.next();
    await client.next();
    expect(seen).toEqual(['text', Buffer.from('binary')]);
  });

  it('ignores messages when nobody handles them', async () => {
    @WsEndpoint('mute')
    class Mute {
      @OnEstablish()
      enter(): void {}
    }
    const app = await startApp({ endpoints: [Mute] });
    const client = await app.connect('/ws/mute');
    void client.send('hello?');
    expect(await client.close(1000)).toMatchObject({ code: 1000, clean: true });
    expect(client.pending).toBe(0);
    expect(app.logs.problems).toEqual([]);
  });

  it('takes a message that follows another one while the peer closes', async () => {
    const handled = new Journal<unknown>();
    @WsEndpoint('last')
    class Last {
      @OnMessage()
      take(_connection: Connection, message: unknown): void {
        handled.add(message);
      }
    }
    const app = await startApp({ endpoints: [Last] });
    const client = await app.connect('/ws/last');
    void client.send('last words');
    await client.close(1000);
    expect(handled.entries).toEqual(['last words']);
  });
});

describe('a json endpoint', () => {
  @WsEndpoint({ path: 'events', serializer: 'json' })
  class Events {
    @OnMessage('double')
    double(_connection: Connection, data: unknown): unknown {
      return Number(data) * 2;
    }

    @OnMessage('quiet')
    quiet(): void {}

    @OnMessage('who')
    who(connection: Connection, data: unknown): unknown {
      return { id: connection.id, data };
    }
  }

  let app: StartedApp;
  let client: QueuedClient;
  beforeEach(async () => {
    app = await startApp({ endpoints: [Events] });
    client = await app.connect('/ws/events');
  });

  async function ask(message: unknown): Promise<unknown> {
    void client.send(message);
    return client.nextJson();
  }

  it('answers an event by its name', async () => {
    expect(await ask({ event: 'double', data: 21 })).toEqual({ event: 'double', data: 42 });
  });

  it.each([0, 7, -1.5, '', 'a', 'x'.repeat(128)])('brings the id %p back on the reply', async (id) => {
    expect(await ask({ event: 'double', data: 1, id })).toEqual({ event: 'double', data: 2, id });
  });

  it.each([null, true, {}, ['a'], 'x'.repeat(129)])('does not bring back %p, which is no id', async (id) => {
    expect(await ask({ event: 'double', data: 1, id })).toEqual({ event: 'double', data: 2 });
  });

  it.each(['1e400', '-1e400'])('does not bring back %s, which no number holds', async (id) => {
    expect(await ask(`{"event":"double","data":1,"id":${id}}`)).toEqual({ event: 'double', data: 2 });
  });

  it('hands over undefined when there is no data', async () => {
    const [connection] = app.registry;
    expect(await ask({ event: 'who' })).toEqual({ event: 'who', data: { id: connection?.id } });
  });

  it('says nothing when the handler returns nothing', async () => {
    void client.send({ event: 'quiet' });
    expect(await ask({ event: 'double', data: 2 })).toEqual({ event: 'double', data: 4 });
  });

  it.each(['nobody', '', '__proto__', 'constructor', 'toString', 'Double', 'double '])(
    'answers the unknown event %p with an error, and repeats nothing of it',
    async (event) => {
      const reply = await ask({ event, data: 'payload', id: 'r1' });
      expect(reply).toEqual({ event: 'error', id: 'r1', data: { code: 'unknown_event', message: expect.any(String) } });
      expect(JSON.stringify(reply)).not.toContain('payload');
      expect(await ask({ event: 'double', data: 2 })).toEqual({ event: 'double', data: 4 });
    },
  );

  it.each([
    '',
    'hello',
    '{',
    '{"event":"double"} x',
    '[1,',
    "{'event':'double'}",
    '5',
    'null',
    '"double"',
    '[]',
    '{}',
    'true',
  ])('answers %p, which is no event, with an error and stays', async (message) => {
    expect(await ask(message)).toEqual({ event: 'error', data: { code: 'bad_message', message: expect.any(String) } });
    expect(await ask({ event: 'double', data: 2 })).toEqual({ event: 'double', data: 4 });
    expect(app.logs.problems).toEqual([]);
  });

  it.each(['5', 'null', '"double"', '[]', '{"type":"double"}'])(
    'says what a message of the endpoint looks like: %s',
    async (message) => {
      expect(await ask(message)).toMatchObject({
        data: { code: 'bad_message', message: 'A message of this endpoint is an object { event, data }.' },
      });
    },
  );

  it('closes with 1003 on a binary message', async () => {
    void client.send(Buffer.from('{"event":"double","data":1}'));
    expect(await client.closed()).toMatchObject({ code: 1003, clean: true });
    expect(client.pending).toBe(0);
    expect(app.logs.problems).toEqual([]);
  });

  it('reads what is deep, repeated or named __proto__ as JSON does', async () => {
    const deep = `${'['.repeat(600)}${']'.repeat(600)}`;
    void client.send(`{"event":"double","event":"who","data":{"__proto__":{"polluted":true},"deep":${deep}}}`);
    expect(await client.next()).toContain('"data":{"__proto__":{"polluted":true},"deep":[[');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
