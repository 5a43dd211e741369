import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { EMPTY, tap, throwError, type Observable } from 'rxjs';
import { Connection, OnError, OnEstablish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

type Intercept = (context: ExecutionContext, next: CallHandler) => Observable<unknown> | Promise<Observable<unknown>>;

function interceptor(intercept: Intercept): NestInterceptor {
  return { intercept };
}

describe('an interceptor around establish', () => {
  function aroundEstablish(intercept: Intercept, happened: Journal): Promise<StartedApp> {
    @WsEndpoint('probe')
    class Probe {
      @UseInterceptors(interceptor(intercept))
      @OnEstablish()
      enter(): string {
        happened.add('enter');
        return 'not sent';
      }

      @OnMessage()
      say(_connection: Connection, text: string): string {
        happened.add(`say ${text}`);
        return text;
      }
    }
    return startApp({ endpoints: [Probe] });
  }

  it('sees the connection in a ws context, and what the method returns, which is not sent', async () => {
    const seen: unknown[] = [];
    const app = await aroundEstablish((context, next) => {
      seen.push(context.getType(), context.switchToWs().getClient(), context.switchToWs().getPattern());
      return next.handle().pipe(tap((value) => seen.push(value)));
    }, new Journal());
    const client = await app.connect('/ws/probe');
    void client.send('hello');
    expect(await client.next()).toBe('hello');
    expect(seen).toEqual(['ws', [...app.registry][0], 'establish', 'not sent']);
  });

  it('holds messages back until it is done', async () => {
    const gate = new Gate();
    const happened = new Journal();
    const app = await aroundEstablish(async (_context, next) => {
      happened.add('before');
      await gate.opened;
      return next.handle();
    }, happened);
    const client = await app.connect('/ws/probe');
    await client.send('hello');
    await happened.reached(1);
    gate.open();
    expect(await client.next()).toBe('hello');
    expect(happened.entries).toEqual(['before', 'enter', 'say hello']);
  });

  it('that fails closes with 1011', async () => {
    const happened = new Journal();
    const app = await aroundEstablish(() => throwError(() => new Error('no')), happened);
    const client = await app.connect('/ws/probe');
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(happened.entries).toEqual([]);
  });

  it('may leave the method out', async () => {
    const happened = new Journal();
    const app = await aroundEstablish(() => EMPTY, happened);
    const client = await app.connect('/ws/probe');
    void client.send('hello');
    expect(await client.next()).toBe('hello');
    expect(happened.entries).toEqual(['say hello']);
  });
});

describe('an exception filter of establish', () => {
  /** Boots an endpoint whose @OnEstablish fails. */
  function failing(catching: ExceptionFilter['catch'], heard: Journal<unknown>): Promise<StartedApp> {
    @Catch()
    class Filter implements ExceptionFilter {
      catch(exception: unknown, host: ArgumentsHost): unknown {
        return catching(exception, host) as unknown;
      }
    }
    @WsEndpoint({ path: 'probe', serializer: 'json' })
    class Probe {
      @UseFilters(new Filter())
      @OnEstablish()
      enter(): never {
        throw new Error('no entry');
      }

      @OnError()
      fail(_connection: Connection, error: Error): void {
        heard.add(error.message);
      }
    }
    return startApp({ endpoints: [Probe] });
  }

  it.each<[string, ExceptionFilter['catch'], unknown[]]>([
    ['a value', () => 'sorry', ['sorry']],
    ['a promise of a value', async () => 'sorry', ['sorry']],
    ['nothing', () => undefined, []],
  ])(
    'that returns %s says that before the connection closes with 1011, and @OnError hears nothing',
    async (_what, catching, sent) => {
      const heard = new Journal<unknown>();
      const app = await failing(catching, heard);
      const client = await app.connect('/ws/probe');
      expect(await client.closed()).toMatchObject({ code: 1011 });
      const received: unknown[] = [];
      for await (const message of client) received.push(JSON.parse(String(message)));
      expect({ received, heard: heard.entries }).toEqual({ received: sent, heard: [] });
    },
  );

  it('sees the connection in a ws context', async () => {
    const heard = new Journal<unknown>();
    const app = await failing((exception, host) => {
      heard.add([
        host.getType(),
        host.switchToWs().getClient<unknown>() instanceof Connection,
        host.switchToWs().getPattern(),
        String(exception),
      ]);
    }, heard);
    await (await app.connect('/ws/probe')).closed();
    expect(heard.entries).toEqual([['ws', true, 'establish', 'Error: no entry']]);
  });

  it('that fails leaves the exception to @OnError', async () => {
    const heard = new Journal<unknown>();
    const app = await failing(() => {
      throw new Error('in the filter');
    }, heard);
    expect(await (await app.connect('/ws/probe')).closed()).toMatchObject({ code: 1011 });
    expect(heard.entries).toEqual(['no entry']);
  });
});
