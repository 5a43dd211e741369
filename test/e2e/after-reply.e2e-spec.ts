import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Connection, OnError, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../src/index.js';
import { fakeConnection } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { frame } from '../support/raw-frame.js';
import { startApp, type StartedApp } from '../support/start-app.js';

let happened: Journal;
beforeEach(() => {
  happened = new Journal();
});

const als = new AsyncLocalStorage<string>();

class Commands {
  @OnMessage('sync')
  sync(connection: Connection, data: string): string {
    happened.add(`handle ${data}`);
    connection.afterReply(() => void connection.send('after', data));
    return data;
  }

  @OnMessage('async')
  async async(connection: Connection, data: string): Promise<string> {
    happened.add(`handle ${data}`);
    connection.afterReply(() => void connection.send('after', `${data} at once`));
    await Promise.resolve();
    connection.afterReply(() => void connection.send('after', `${data} later`));
    return data;
  }

  @OnMessage('throw')
  throw(connection: Connection, data: string): never {
    connection.afterReply(() => void connection.send('after', data));
    throw new Error('secret');
  }

  @OnMessage('nothing')
  nothing(connection: Connection, data: string): void {
    connection.afterReply(() => void connection.send('after', data));
  }
}

@WsEndpoint({ path: 'commands', serializer: 'json' })
class Serial extends Commands {}

const after = (data: string): object => ({ event: 'after', data });

/** Several events that are read at once. */
async function burst(app: StartedApp, path: string, events: readonly object[]): Promise<() => Promise<unknown>> {
  const peer = await app.peer();
  await peer.upgrade({ path });
  await peer.writeRaw(Buffer.concat(events.map((event) => frame({ payload: JSON.stringify(event) }))));
  return async () => JSON.parse((await peer.nextFrame()).text) as unknown;
}

@WsEndpoint({ path: 'stations', serializer: 'json' })
class Stations {
  readonly #commands = new Map<string, readonly string[]>([['north', ['reset', 'report']]]);

  // #region after
  @OnMessage('boot')
  boot(connection: Connection, station: string): object {
    // The station takes commands once it has its answer.
    connection.afterReply(() => {
      for (const command of this.#commands.get(station) ?? []) void connection.send('command', command);
    });
    return { accepted: true };
  }
  // #endregion after
}

it('afterReply sends what has waited for the answer', async () => {
  const app = await startApp({ endpoints: [Stations] });
  const client = await app.connect('/ws/stations');
  void client.send({ event: 'boot', data: 'north' });
  expect([await client.nextJson(), await client.nextJson(), await client.nextJson()]).toEqual([
    { event: 'boot', data: { accepted: true } },
    { event: 'command', data: 'reset' },
    { event: 'command', data: 'report' },
  ]);
});

describe('afterReply', () => {
  it.each([
    ['a value', 'sync', 'a', { event: 'sync', data: 'a', id: 1 }, [after('a')]],
    ['a promise', 'async', 'a', { event: 'async', data: 'a', id: 1 }, [after('a at once'), after('a later')]],
    ['an error', 'throw', 'a', { event: 'error', id: 1, data: expect.anything() }, [after('a')]],
    ['an empty reply', 'nothing', 'a', { event: 'nothing', id: 1 }, [after('a')]],
  ])('runs behind %s', async (_what, event, data, reply, rest) => {
    const app = await startApp({ endpoints: [Serial] });
    const client = await app.connect('/ws/commands');
    void client.send({ event, data, id: 1 });
    const got: unknown[] = [];
    while (got.length <= rest.length) got.push(await client.nextJson());
    expect(got).toEqual([reply, ...rest]);
  });

  it('runs before the next message of a burst, also where it takes time', async () => {
    const gate = new Gate();
    @WsEndpoint({ path: 'slow', serializer: 'json' })
    class Slow extends Commands {
      @OnMessage('slow')
      slow(connection: Connection): string {
        connection.afterReply(async () => {
          await gate.opened;
          happened.add('settled');
        });
        return 'slow';
      }
    }
    const app = await startApp({ endpoints: [Slow] });
    const events = ['sync', 'slow', 'async', 'nothing'].map((event) => ({ event, data: event }));
    const next = await burst(app, '/ws/slow', events);
    expect([await next(), await next(), await next()]).toEqual([
      { event: 'sync', data: 'sync' },
      after('sync'),
      { event: 'slow', data: 'slow' },
    ]);
    expect(happened.entries).toEqual(['handle sync']);
    gate.open();
    expect([await next(), await next(), await next(), await next()]).toEqual([
      { event: 'async', data: 'async' },
      after('async at once'),
      after('async later'),
      after('nothing'),
    ]);
    expect(happened.entries).toEqual(['handle sync', 'settled', 'handle async']);
  });

  it('logs what a callback throws or rejects with; the others run and the connection stays', async () => {
    @WsEndpoint({ path: 'failing', serializer: 'json' })
    class Failing extends Commands {
      @OnMessage('fail')
      fail(connection: Connection): string {
        connection.afterReply(() => {
          throw new Error('first');
        });
        connection.afterReply(() => Promise.reject(new Error('second')));
        connection.afterReply(() => void connection.send('after', 'third'));
        return 'failed';
      }

      @OnError()
      heard(): void {
        happened.add('@OnError');
      }
    }
    const app = await startApp({ endpoints: [Failing] });
    const client = await app.connect('/ws/failing');
    void client.send({ event: 'fail' });
    void client.send({ event: 'sync', data: 'next' });
    expect(await client.nextJson()).toEqual({ event: 'fail', data: 'failed' });
    expect(await client.nextJson()).toEqual(after('third'));
    expect(await client.nextJson()).toEqual({ event: 'sync', data: 'next' });
    const [first, second] = app.logs.at('error');
    expect(first).toMatch(/afterReply failed in Failing\.fail.*first/s);
    expect(second).toMatch(/afterReply failed in Failing\.fail.*second/s);
    expect(happened.entries).toEqual(['handle next']);
  });

  it('keeps the async context of its call, and may ask for more', async () => {
    @WsEndpoint({ path: 'context', serializer: 'json' })
    class InContext {
      @OnMessage('say')
      say(connection: Connection): Promise<string> {
        return als.run('ada', async () => {
          await Promise.resolve();
          connection.afterReply(async () => {
            await Promise.resolve();
            connection.afterReply(() => void connection.send('after', als.getStore()));
          });
          return 'said';
        });
      }
    }
    const app = await startApp({ endpoints: [InContext] });
    const client = await app.connect('/ws/context');
    void client.send({ event: 'say' });
    expect([await client.nextJson(), await client.nextJson()]).toEqual([{ event: 'say', data: 'said' }, after('ada')]);
  });

  it('runs although the handler has ended the connection, before the finish', async () => {
    @WsEndpoint({ path: 'ending', serializer: 'json' })
    class Ending {
      @OnMessage('end')
      async end(connection: Connection): Promise<void> {
        connection.afterReply(() => happened.add(`after, ${connection.state}`));
        connection.close(4001);
        await Promise.resolve();
      }

      @OnFinish()
      leave(): void {
        happened.add('finish');
      }
    }
    const app = await startApp({ endpoints: [Ending] });
    const client = await app.connect('/ws/ending');
    void client.send({ event: 'end' });
    expect(await client.closed()).toMatchObject({ code: 4001 });
    expect(await happened.reached(2)).toEqual(['after, closing', 'finish']);
  });

  it('belongs to the message that asked for it where several are handled at once', async () => {
    const gates: Record<string, Gate> = { one: new Gate(), two: new Gate() };
    @WsEndpoint({ path: 'concurrent', serializer: 'json', concurrency: 2 })
    class Concurrent {
      @OnMessage('say')
      async say(connection: Connection, data: string): Promise<string> {
        connection.afterReply(() => void connection.send('after', data));
        await gates[data]?.opened;
        return data;
      }
    }
    const app = await startApp({ endpoints: [Concurrent] });
    const next = await burst(app, '/ws/concurrent', [
      { event: 'say', data: 'one' },
      { event: 'say', data: 'two' },
    ]);
    gates['two']?.open();
    expect([await next(), await next()]).toEqual([{ event: 'say', data: 'two' }, after('two')]);
    gates['one']?.open();
    expect([await next(), await next()]).toEqual([{ event: 'say', data: 'one' }, after('one')]);
  });
});

describe('afterReply says what is wrong', () => {
  const attempt = (connection: Connection, callback: unknown = () => undefined): void => {
    try {
      connection.afterReply(callback as () => void);
      happened.add('no error');
    } catch (error) {
      happened.add(String(error));
    }
  };

  class Ends {
    @OnEstablish()
    enter(connection: Connection): void {
      attempt(connection);
    }

    @OnMessage()
    say(): void {}

    @OnFinish()
    leave(connection: Connection): void {
      attempt(connection);
    }
  }

  class Awaiting {
    @OnMessage()
    async say(connection: Connection): Promise<void> {
      await Promise.resolve();
      attempt(connection);
    }
  }

  class Wrong {
    @OnMessage()
    say(connection: Connection): void {
      attempt(connection, 'later');
    }
  }

  it.each<[string, Type, RegExp]>([
    [
      'in @OnEstablish and @OnFinish',
      Ends,
      /^ConfigurationError: connection\.afterReply is called outside of a handler of a message/,
    ],
    ['after an await where several messages are handled at once', Awaiting, /Call it before the first await\.$/],
    ['of what is not a function', Wrong, /^TypeError: connection\.afterReply takes a function\.$/],
  ])('%s', async (_what, endpoint, expected) => {
    WsEndpoint({ path: 'wrong', concurrency: 2 })(endpoint);
    const app = await startApp({ endpoints: [endpoint] });
    const client = await app.connect('/ws/wrong');
    void client.send('hello');
    expect(await happened.next()).toMatch(expected);
    await client.close();
    for (const entry of happened.entries) expect(entry).toMatch(expected);
  });
});

it('a fake connection runs it when the test says that the reply has left', async () => {
  const connection = fakeConnection(Serial);
  expect(new Serial().sync(connection, 'a')).toBe('a');
  expect(connection.sent).toEqual([]);
  await connection.replied();
  expect(connection.sent).toEqual([{ event: 'after', data: 'a' }]);
});
