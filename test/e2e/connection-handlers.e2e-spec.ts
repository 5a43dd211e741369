import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnMessage, WsEndpoint, type Unregister } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { take, takeJson } from '../support/take.js';

describe('the handlers of one connection', () => {
  let happened: Journal;
  let app: StartedApp;
  let client: QueuedClient;
  let connection: Connection;

  @WsEndpoint({ path: 'room', serializer: 'json' })
  class Room {
    @OnMessage()
    take(_connection: Connection, message: unknown): string {
      happened.add('endpoint');
      return `did ${JSON.stringify(message)}`;
    }
  }

  beforeEach(async () => {
    happened = new Journal();
    app = await startApp({ endpoints: [Room] });
    client = await app.connect('/ws/room');
    connection = [...app.registry][0] as Connection;
  });

  /** Sends a message and waits until it was handled to the end; gives what happened meanwhile. */
  async function say(message: unknown): Promise<string[]> {
    const before = happened.entries.length;
    void client.send(message);
    while (!JSON.stringify(await client.nextJson()).includes('did'));
    return happened.entries.slice(before);
  }

  const adding = (text: string) => (): void => happened.add(text);

  it('get the connection, the decoded message and their unregister, before the endpoint', async () => {
    connection.on('message', (...args) => {
      expect(args).toEqual([connection, { a: 1 }, expect.any(Function)]);
      happened.add('own');
    });
    expect(await say({ a: 1 })).toEqual(['own', 'endpoint']);
  });

  it('run in the order of registration', async () => {
    for (const name of ['a', 'b', 'c']) connection.on('message', adding(name));
    expect(await say(1)).toEqual(['a', 'b', 'c', 'endpoint']);
  });

  it('do not reply by returning, which is for the endpoint', async () => {
    connection.on('message', () => 'no reply');
    connection.on('message', async () => 'no reply either');
    void client.send(1);
    void client.send(2);
    expect(await takeJson(client, 2)).toEqual(['did 1', 'did 2']);
  });

  it('are awaited one after the other', async () => {
    const gate = new Gate();
    connection.on('message', async () => {
      happened.add('a begins');
      await gate.opened;
      happened.add('a ends');
    });
    connection.on('message', adding('b'));
    const said = say(1);
    await happened.next();
    gate.open();
    expect(await said).toEqual(['a begins', 'a ends', 'b', 'endpoint']);
  });

  it('may unregister themselves: from the next message on', async () => {
    connection.on('message', (_connection, _message, unregister) => {
      happened.add('once');
      unregister();
      unregister();
    });
    connection.on('message', adding('always'));
    expect(await say(1)).toEqual(['once', 'always', 'endpoint']);
    expect(await say(2)).toEqual(['always', 'endpoint']);
  });

  it('that are taken off or added while they run count from the next message on', async () => {
    const toTakeOff: Unregister[] = [];
    connection.on('message', () => {
      if (toTakeOff.length === 0) return;
      for (const unregister of toTakeOff.splice(0)) unregister();
      connection.on('message', adding('added'));
    });
    toTakeOff.push(connection.on('message', adding('last')));
    expect(await say(1)).toEqual(['last', 'endpoint']);
    expect(await say(2)).toEqual(['added', 'endpoint']);
  });

  it('that are the same function twice are two registrations', async () => {
    const handler = adding('same');
    const off = connection.on('message', handler);
    connection.on('message', handler);
    expect(await say(1)).toEqual(['same', 'same', 'endpoint']);
    off();
    off();
    expect(await say(2)).toEqual(['same', 'endpoint']);
  });

  it('that fail do not keep the others from running', async () => {
    connection.on('message', () => {
      throw new Error('secret');
    });
    connection.on('message', () => Promise.reject(new Error('secret')));
    connection.on('message', adding('next'));
    void client.send(1);
    const error = { event: 'error', data: { code: 'internal_error', message: 'Internal server error' } };
    expect(await takeJson(client, 3)).toEqual([error, error, 'did 1']);
    expect(happened.entries).toEqual(['next', 'endpoint']);
    expect(app.logs.at('error')).toHaveLength(2);
  });

  it.each<[string, unknown, string]>([
    ['bogus', (): void => undefined, 'Unknown event: bogus'],
    ['__proto__', (): void => undefined, 'Unknown event: __proto__'],
    ['message', undefined, 'The handler for event message must be a function.'],
    ['finish', 'text', 'The handler for event finish must be a function.'],
    ['close', {}, 'The handler for event close must be a function.'],
  ])('are refused with a TypeError for %s and %p', async (event, handler, message) => {
    const on = connection.on.bind(connection) as (event: string, handler: unknown) => void;
    expect(() => on(event, handler)).toThrow(TypeError);
    expect(() => on(event, handler)).toThrow(message);
    expect(await say(1)).toEqual(['endpoint']);
  });
});

describe('an endpoint that only registers handlers, as in the originals', () => {
  it('is served by them', async () => {
    @WsEndpoint('perl')
    class Perl {
      @OnEstablish()
      enter(connection: Connection): void {
        connection.on('message', (self, message) => void self.send(message));
      }
    }
    const app = await startApp({ endpoints: [Perl] });
    const client = await app.connect('/ws/perl');
    void client.send('text');
    void client.send(Buffer.from('bytes'));
    expect(await take(client, 2)).toEqual(['text', Buffer.from('bytes')]);
  });
});
