import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type Unregister,
} from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { takeJson } from '../support/take.js';

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

    @OnFinish()
    leave(): void {
      happened.add('endpoint finish');
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

  describe('for the finish', () => {
    const end = new FinishInfo(4001, 'bye', true, 'client');

    it('run in order, close being finish, then the one of the endpoint', async () => {
      connection.on('finish', adding('a'));
      connection.on('close', adding('b'));
      connection.on('finish', adding('c'));
      await client.close();
      await happened.reached(4);
      expect(happened.entries).toEqual(['a', 'b', 'c', 'endpoint finish']);
    });

    it('get the connection, how it ended and their unregister', async () => {
      const got = new Journal<unknown[]>();
      connection.on('close', (...args) => got.add(args));
      await client.close(4001, 'bye');
      expect(await got.next()).toEqual([connection, end, expect.any(Function)]);
    });

    it('all run, even if others throw or reject, and each is awaited', async () => {
      connection.on('finish', () => {
        throw new Error('one');
      });
      connection.on('finish', () => Promise.reject(new Error('two')));
      connection.on('finish', async () => {
        await Promise.resolve();
        happened.add('three');
      });
      await client.close();
      await happened.reached(2);
      expect(happened.entries).toEqual(['three', 'endpoint finish']);
      expect(app.logs.at('error')).toEqual([expect.stringContaining('one'), expect.stringContaining('two')]);
    });

    it('do not run when they were taken off', async () => {
      connection.on('finish', adding('kept'));
      connection.on('finish', adding('taken off'))();
      await client.close();
      await happened.reached(2);
      expect(happened.entries).toEqual(['kept', 'endpoint finish']);
    });

    it('run at once, asynchronously, when they come after the end', async () => {
      const got = new Journal<unknown[]>();
      await client.close(4001, 'bye');
      await happened.next();
      connection.on('finish', (...args) => got.add(args));
      expect(got.entries).toEqual([]);
      expect(await got.next()).toEqual([connection, end, expect.any(Function)]);
      connection.on('close', () => Promise.reject(new Error('late')));
      connection.on('close', adding('last'));
      expect(await happened.next()).toBe('last');
    });

    it('run once when a finish handler adds them', async () => {
      connection.on('finish', () => {
        connection.on('finish', adding('added'));
      });
      await client.close();
      await happened.reached(2);
      connection.on('finish', adding('barrier'));
      await happened.reached(3);
      expect(happened.entries.toSorted((a, b) => a.localeCompare(b))).toEqual(['added', 'barrier', 'endpoint finish']);
    });
  });
});

describe('a finish handler that an asynchronous @OnEstablish adds after the client has left', () => {
  it('runs once', async () => {
    const happened = new Journal();
    const gate = new Gate();
    @WsEndpoint('slow')
    class Slow {
      @OnEstablish()
      async enter(connection: Connection): Promise<void> {
        happened.add('establish');
        connection.on('finish', () => happened.add('early'));
        connection.signal.addEventListener('abort', () => happened.add('aborted'));
        await gate.opened;
        connection.on('finish', () => happened.add('late'));
      }

      @OnFinish()
      leave(): void {
        happened.add('endpoint');
      }
    }
    const app = await startApp({ endpoints: [Slow] });
    const client = await app.connect('/ws/slow');
    await client.terminate();
    await happened.reached(2);
    expect(happened.entries).toEqual(['establish', 'aborted']);
    gate.open();
    await happened.reached(5);
    await app.app.close();
    expect(happened.entries.filter((entry) => entry === 'late')).toHaveLength(1);
    expect(happened.entries.at(-1)).toBe('endpoint');
  });
});
