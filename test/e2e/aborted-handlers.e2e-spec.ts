import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** Longer than any test runs. */
const LONG_MS = 60_000;

describe('a handler that gives up because its connection is over', () => {
  let failed: Journal<unknown>;
  beforeEach(() => {
    failed = new Journal();
  });

  /** Passes a failure on and notes it, so that a test can wait for it. */
  function noting<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      failed.add(error);
      throw error;
    });
  }

  /** Connects to an endpoint that says when it begins to work, and leaves. */
  async function leaveMidway(work: (connection: Connection) => unknown): Promise<StartedApp> {
    @WsEndpoint('work')
    class Work {
      @OnMessage()
      work(connection: Connection): unknown {
        void connection.send('begun');
        return work(connection);
      }
    }
    const app = await startApp({ endpoints: [Work] });
    const client = await app.connect('/ws/work');
    void client.send('go');
    await client.next();
    await client.close();
    await failed.next();
    await nextTurn();
    return app;
  }

  it.each<[string, (connection: Connection) => unknown]>([
    ['with an AbortError', ({ signal }) => noting(delay(LONG_MS, undefined, { signal }))],
    [
      'with the reason of the signal',
      ({ signal }) => noting(delay(LONG_MS, undefined, { signal }).catch(() => signal.throwIfAborted())),
    ],
    [
      'as a generator',
      async function* ({ signal }) {
        yield 'first';
        await noting(delay(LONG_MS, undefined, { signal }));
      },
    ],
  ])('is not logged as a fault: %s', async (_how, work) => {
    const app = await leaveMidway(work);
    expect(app.logs.problems).toEqual([]);
  });

  it('is not logged as a fault in @OnEstablish', async () => {
    @WsEndpoint('enter')
    class Enter {
      @OnEstablish()
      async enter(connection: Connection): Promise<void> {
        void connection.send('begun');
        await noting(delay(LONG_MS, undefined, { signal: connection.signal }));
      }
    }
    const app = await startApp({ endpoints: [Enter] });
    const client = await app.connect('/ws/enter');
    await client.next();
    await client.close();
    await failed.next();
    await nextTurn();
    expect(app.logs.problems).toEqual([]);
  });

  it('is logged when it fails with anything else', async () => {
    const app = await leaveMidway(({ signal }) =>
      noting(
        delay(LONG_MS, undefined, { signal }).catch(() => {
          throw new Error('half done');
        }),
      ),
    );
    expect(app.logs.problems).toEqual([expect.stringContaining('half done')]);
  });
});

it('an AbortError while the connection is open is logged', async () => {
  @WsEndpoint('work')
  class Work {
    @OnMessage()
    work(): Promise<void> {
      return delay(LONG_MS, undefined, { signal: AbortSignal.abort() });
    }
  }
  const app = await startApp({ endpoints: [Work] });
  const client = await app.connect('/ws/work');
  void client.send('go');
  expect(await client.closed()).toMatchObject({ code: 1011 });
  expect(app.logs.problems).toEqual([expect.stringContaining('aborted')]);
});
