import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { concatMap, map, of, type Observable } from 'rxjs';
import {
  ConfigurationError,
  Connection,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import { bootError, startApp, type StartedApp } from '../../support/start-app.js';

/** A singleton that knows which connection is being served. */
@Injectable()
class Current {
  constructor(private readonly connection: Connection) {}

  get id(): string {
    return this.connection.id;
  }

  send(value: string): void {
    void this.connection.send(value);
  }

  remember(value: unknown): void {
    this.connection.data = { value };
  }
}

let happened: Journal<unknown>;
let gates: Map<string, Gate>;
beforeEach(() => {
  happened = new Journal();
  gates = new Map();
});

const asyncLocal: PlackWebSocketModuleOptions = { context: 'async-local' };

describe('Connection in the constructor of a singleton', () => {
  @WsEndpoint('probe')
  class Probe {
    constructor(private readonly current: Current) {}

    @OnEstablish()
    async enter(connection: Connection): Promise<void> {
      await nextTurn();
      connection.on('message', (own) => happened.add(['own', own.id === this.current.id]));
      connection.on('finish', (own) => happened.add(['own finish', own.id === this.current.id]));
      happened.add(['establish', connection.id === this.current.id]);
    }

    @OnMessage()
    async say(connection: Connection, gate: string): Promise<string> {
      const before = this.current.id;
      await gates.get(gate)?.opened;
      if (gate === 'break') throw new Error('broken');
      return `${before === connection.id} ${this.current.id === connection.id}`;
    }

    @OnError()
    async fail(connection: Connection): Promise<string> {
      await nextTurn();
      return `error ${this.current.id === connection.id}`;
    }

    @OnFinish()
    async leave(connection: Connection): Promise<void> {
      await nextTurn();
      happened.add(['finish', connection.id === this.current.id]);
    }
  }

  function start(): Promise<StartedApp> {
    return startApp({ endpoints: [Probe], providers: [Current], options: asyncLocal });
  }

  it('is the one being served, in every stage and after awaits', async () => {
    const app = await start();
    const client = await app.connect('/ws/probe');
    void client.send('x');
    expect(await client.next()).toBe('true true');
    void client.send('break');
    expect(await client.next()).toBe('error true');
    await client.close();
    expect(await happened.reached(5)).toEqual([
      ['establish', true],
      ['own', true],
      ['own', true],
      ['own finish', true],
      ['finish', true],
    ]);
  });

  it('stays the right one while connections interleave', async () => {
    const app = await start();
    const clients = await Promise.all(Array.from({ length: 8 }, () => app.connect('/ws/probe')));
    for (const [index, client] of clients.entries()) {
      gates.set(`gate ${index}`, new Gate());
      await client.send(`gate ${index}`);
    }
    // Opened from the last to the first, so that none is served in the order it asked.
    for (const [index, client] of [...clients.entries()].toReversed()) {
      gates.get(`gate ${index}`)?.open();
      expect(await client.next()).toBe('true true');
    }
  });

  it('is the right one for messages that waited in the inbox', async () => {
    const app = await start();
    const [first, second] = [await app.connect('/ws/probe'), await app.connect('/ws/probe')];
    gates.set('gate', new Gate());
    for (const message of ['gate', 'x', 'y']) await first.send(message);
    void second.send('x');
    expect(await second.next()).toBe('true true');
    gates.get('gate')?.open();
    for (let replies = 0; replies < 3; replies++) expect(await first.next()).toBe('true true');
  });

  it('is set and called through as the connection itself', async () => {
    @WsEndpoint('probe')
    class Using {
      constructor(private readonly current: Current) {}

      @OnMessage()
      say(connection: Connection, text: string): string {
        this.current.remember(text);
        this.current.send('sent through the singleton');
        return JSON.stringify(connection.data);
      }
    }
    const app = await startApp({ endpoints: [Using], providers: [Current], options: asyncLocal });
    const client = await app.connect('/ws/probe');
    void client.send('hello');
    expect(await client.next()).toBe('sent through the singleton');
    expect(await client.next()).toBe('{"value":"hello"}');
  });

  it('is there in interceptors, pipes and every item of a stream', async () => {
    @Injectable()
    class Marking implements NestInterceptor, PipeTransform<string, string> {
      constructor(private readonly current: Current) {}

      intercept(_context: unknown, next: CallHandler): Observable<unknown> {
        const before = this.current.id;
        return next.handle().pipe(map((value) => `${value} ${before === this.current.id}`));
      }

      transform(value: string): string {
        return `${value} ${typeof this.current.id}`;
      }
    }
    @WsEndpoint('probe')
    class Streaming {
      constructor(private readonly current: Current) {}

      @UseInterceptors(Marking)
      @OnMessage()
      say(connection: Connection, @MessageBody(Marking) text: string): Observable<string> {
        return of(1, 2).pipe(
          concatMap((item) => nextTurn(`${text} ${item}`)),
          map((item) => `${item} ${this.current.id === connection.id}`),
        );
      }
    }
    const app = await startApp({ endpoints: [Streaming], providers: [Current], options: asyncLocal });
    const client = await app.connect('/ws/probe');
    void client.send('hello');
    expect([await client.next(), await client.next()]).toEqual([
      'hello string 1 true true',
      'hello string 2 true true',
    ]);
  });
});

describe('outside of a connection', () => {
  it('using it is an error that says why', async () => {
    @Controller('page')
    class Page {
      constructor(private readonly current: Current) {}

      @Get()
      show(): string {
        try {
          return this.current.id;
        } catch (error) {
          happened.add(error);
          return 'failed';
        }
      }
    }
    const app = await startApp({ controllers: [Page], providers: [Current], options: asyncLocal });
    expect(await (await app.fetch('/page')).text()).toBe('failed');
    const error = await happened.next();
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toMatch(/No connection is being served here.*@OnEstablish, @OnMessage and @OnFinish/);
  });

  it('using it in a guard before the 101 refuses, as no connection exists yet', async () => {
    @WsEndpoint('probe')
    class Probe {
      @OnEstablish()
      enter(): void {}
    }
    @Injectable()
    class Hasty {
      constructor(private readonly current: Current) {}

      canActivate(): boolean {
        return this.current.id !== '';
      }
    }
    UseGuards(Hasty)(Probe);
    const app = await startApp({ endpoints: [Probe], providers: [Current], options: asyncLocal });
    await expect(app.connect('/ws/probe')).rejects.toMatchObject({ status: 500 });
    expect(app.logs.problems).toEqual([expect.stringContaining('No connection is being served here')]);
  });

  it('without the option nothing can be injected, which stops the boot', async () => {
    const error = await bootError({ providers: [Current] });
    expect(error.message).toMatch(/dependencies of .*Current.*Connection/);
  });
});
