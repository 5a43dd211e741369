import { describe, expect, it, jest } from '@jest/globals';
import {
  Catch,
  Injectable,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type NestInterceptor,
} from '@nestjs/common';
import { NEVER, tap, type Observable } from 'rxjs';
import {
  Connection,
  HandlerTimeoutError,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  type LimitsOptions,
} from '../../src/index.js';
import { Gate } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const LIMIT_MS = 40;

@Injectable()
class Looking implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap(() => undefined));
  }
}

@Catch(HandlerTimeoutError)
class TimeoutFilter implements ExceptionFilter {
  catch({ handlerTimeoutMs }: HandlerTimeoutError, host: ArgumentsHost): object {
    return { event: 'late', data: [handlerTimeoutMs, host.switchToWs().getPattern()] };
  }
}

interface Scene {
  readonly app: StartedApp;
  readonly gate: Gate;
}

async function boot(limits: Partial<LimitsOptions>, concurrency = 1): Promise<Scene> {
  const gate = new Gate();

  @WsEndpoint({ path: 'work', serializer: 'json', concurrency })
  class Work {
    @OnMessage('wait')
    async wait(): Promise<string> {
      await gate.opened;
      return 'late';
    }

    @UseInterceptors(Looking)
    @OnMessage('intercepted')
    async intercepted(): Promise<string> {
      await gate.opened;
      return 'late';
    }

    @OnMessage('fails')
    async fails(): Promise<string> {
      await gate.opened;
      throw new Error('too late');
    }

    @OnMessage('streams')
    async streams(): Promise<AsyncIterable<string>> {
      await gate.opened;
      return (async function* items(): AsyncIterable<string> {
        await Promise.resolve();
        yield 'late';
      })();
    }

    @UseFilters(TimeoutFilter)
    @OnMessage('filtered')
    filtered(): Promise<unknown> {
      return new Promise(() => undefined);
    }

    @OnMessage('feed')
    feed(): Observable<never> {
      return NEVER;
    }

    @OnMessage('echo')
    echo(_connection: Connection, data: unknown): unknown {
      return { event: 'echo', data };
    }
  }
  const app = await startApp({ endpoints: [Work], options: { limits, heartbeat: false } });
  return { app, gate };
}

const timedOut = { event: 'error', data: { code: 'handler_timeout', message: 'The message took too long to handle.' } };

describe('limits.handlerTimeoutMs', () => {
  it.each(['wait', 'intercepted', 'fails', 'streams'])(
    'answers a message whose handler (%s) takes longer, goes on with the next, and drops what comes later',
    async (event) => {
      const { app, gate } = await boot({ handlerTimeoutMs: LIMIT_MS });
      const client = await app.connect('/ws/work');
      void client.send({ event, id: 1 });
      void client.send({ event: 'echo', data: 'next' });
      expect(await client.nextJson()).toEqual({ ...timedOut, id: 1 });
      expect(await client.nextJson()).toEqual({ event: 'echo', data: 'next' });
      gate.open();
      void client.send({ event: 'echo', data: 'last' });
      expect(await client.nextJson()).toEqual({ event: 'echo', data: 'last' });
      await new Promise((resolve) => setImmediate(resolve));
      expect(client.pending).toBe(0);
    },
  );

  it('asks exception filters', async () => {
    const { app } = await boot({ handlerTimeoutMs: LIMIT_MS });
    const client = await app.connect('/ws/work');
    void client.send({ event: 'filtered' });
    expect(await client.nextJson()).toEqual({ event: 'late', data: [LIMIT_MS, 'filtered'] });
  });

  it('counts each of several messages that are handled at once by itself', async () => {
    const { app, gate } = await boot({ handlerTimeoutMs: LIMIT_MS }, 3);
    const client = await app.connect('/ws/work');
    for (const id of [1, 2, 3]) void client.send({ event: 'wait', id });
    const answers = [await client.nextJson(), await client.nextJson(), await client.nextJson()];
    expect(answers).toEqual([1, 2, 3].map((id) => ({ ...timedOut, id })));
    void client.send({ event: 'echo', data: 'free' });
    expect(await client.nextJson()).toEqual({ event: 'echo', data: 'free' });
    gate.open();
  });

  it('leaves a stream alone that has begun, and what is in time', async () => {
    const { app } = await boot({ handlerTimeoutMs: LIMIT_MS });
    const client = await app.connect('/ws/work');
    void client.send({ event: 'feed', id: 1 });
    void client.send({ event: 'wait', id: 2 });
    expect(await client.nextJson()).toEqual({ ...timedOut, id: 2 });
    expect(client.pending).toBe(0);
  });

  it('counts for the handlers of one connection, whose message ends with it', async () => {
    const { app, gate } = await boot({ handlerTimeoutMs: LIMIT_MS });
    app.registry.on('establish', (connection) => {
      connection.on('message', (_connection, message) =>
        (message as { event: string }).event === 'echo' ? gate.opened : undefined,
      );
    });
    const client = await app.connect('/ws/work');
    void client.send({ event: 'echo', id: 1, data: 'held' });
    expect(await client.nextJson()).toEqual({ ...timedOut, id: 1 });
    gate.open();
    void client.send({ event: 'echo', data: 'next' });
    expect(await client.nextJson()).toEqual({ event: 'echo', data: 'next' });
  });
});

describe('limits.lateHandlerMs', () => {
  it.each(['plain', 'intercepted'])('names a generator (%s) that goes on after its connection', async (event) => {
    const gate = new Gate();
    async function* read(): AsyncIterable<string> {
      yield 'first';
      await gate.opened;
    }

    @WsEndpoint({ path: 'reads', serializer: 'json' })
    class Reads {
      @OnMessage('plain')
      plain(): AsyncIterable<string> {
        return read();
      }

      @UseInterceptors(Looking)
      @OnMessage('intercepted')
      intercepted(): AsyncIterable<string> {
        return read();
      }

      @OnMessage('stops')
      async *stops(_connection: Connection, _data: unknown, signal: AbortSignal): AsyncIterable<string> {
        yield 'first';
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }
    }
    const app = await startApp({
      endpoints: [Reads],
      options: { limits: { lateHandlerMs: LIMIT_MS }, heartbeat: false },
    });
    const client = await app.connect('/ws/reads');
    for (const message of ['stops', event]) {
      void client.send({ event: message });
      expect(await client.nextJson()).toMatchObject({ event: message });
    }
    await client.close();
    await app.logs.waitFor('warn', /goes on/);
    const [line, ...others] = app.logs.problems;
    expect(line).toMatch(
      new RegExp(`The stream of Reads\\.${event} goes on 40 ms after it was told to stop.*AbortSignal`),
    );
    expect(others).toEqual([]);
    gate.open();
  });

  it('names a method that keeps messages waiting, once, with the remedy', async () => {
    const { app, gate } = await boot({ lateHandlerMs: LIMIT_MS });
    for (let clients = 0; clients < 2; clients++) {
      const client = await app.connect('/ws/work');
      void client.send({ event: 'wait' });
      void client.send({ event: 'echo', data: 1 });
    }
    await app.logs.waitFor('warn', /Work\.wait has not settled for 40 ms, and 1 messages of its client wait for it/);
    expect(app.logs.problems.filter((line) => line.includes('has not settled'))).toHaveLength(1);
    gate.open();
  });

  it('says nothing of a handler that keeps no message waiting, or where it is off', async () => {
    const { app, gate } = await boot({ lateHandlerMs: LIMIT_MS });
    const client = await app.connect('/ws/work');
    void client.send({ event: 'wait' });
    const off = await boot({ lateHandlerMs: 0 });
    const other = await off.app.connect('/ws/work');
    void other.send({ event: 'wait' });
    void other.send({ event: 'echo' });
    // Another connection that is named shows that the time is over.
    const late = await boot({ lateHandlerMs: LIMIT_MS });
    const third = await late.app.connect('/ws/work');
    void third.send({ event: 'wait' });
    void third.send({ event: 'echo' });
    await late.app.logs.waitFor('warn', /has not settled/);
    expect([...app.logs.problems, ...off.app.logs.problems]).toEqual([]);
    for (const one of [gate, off.gate, late.gate]) one.open();
  });

  it('starts no timer of its own where it is not set', async () => {
    const started = jest.spyOn(globalThis, 'setInterval');
    const before = started.mock.calls.length;
    const { app } = await boot({});
    await app.connect('/ws/work');
    expect(started.mock.calls.slice(before).map(([, delay]) => delay)).not.toContain(2_500);
  });

  it('names an @OnEstablish that returns what does not settle', async () => {
    @WsEndpoint('feed')
    class Feed {
      @OnEstablish()
      enter(): Observable<never> {
        return NEVER;
      }

      @OnMessage()
      echo(_connection: Connection, text: string): string {
        return text;
      }
    }
    const app = await startApp({
      endpoints: [Feed],
      options: { limits: { lateHandlerMs: LIMIT_MS }, heartbeat: false },
    });
    await app.connect('/ws/feed');
    await app.logs.waitFor('warn', /@OnEstablish of Feed has not settled for 40 ms, and no message is handled before/);
    expect([...app.registry].map(({ state }) => state)).toEqual(['establishing']);
  });
});
