import { describe, expect, it } from '@jest/globals';
import * as common from '@nestjs/common';
import {
  Body,
  Controller,
  createParamDecorator,
  Headers,
  Injectable,
  Ip,
  Param,
  Post,
  Query,
  Session,
  UsePipes,
  type ArgumentMetadata,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  Connection,
  FinishInfo,
  HandshakeResult,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
} from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import { describeNest } from '../../support/nest-features.js';
import { startApp } from '../../support/start-app.js';

/** A pipe that remembers what it was shown. */
class Watcher implements PipeTransform {
  readonly shown: { value: unknown; metadata: ArgumentMetadata }[] = [];

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    this.shown.push({ value, metadata });
    return value;
  }
}

const Custom = createParamDecorator((data: string, context: ExecutionContext) => `${data} ${context.getType()}`);

class Dto {
  text!: string;
}

it('pipes never see the connection, its context, its signal or its end', async () => {
  const watcher = new Watcher();
  @WsEndpoint({ path: 'probe', serializer: 'json' })
  class Probe {
    @OnEstablish()
    enter(
      _connection: Connection,
      _context: RequestContext,
      _signal: AbortSignal,
      @ConnectedSocket() _same: unknown,
    ): void {}

    @OnMessage('say')
    say(_connection: Connection, text: string, _context: RequestContext, _signal: AbortSignal): string {
      return text;
    }

    @OnMessage('break')
    break(@ConnectedSocket() _connection: unknown): never {
      throw new Error('boom');
    }

    @OnError()
    fail(_connection: Connection, _error: unknown): void {}

    @OnFinish()
    leave(_connection: Connection, _end: FinishInfo): void {}
  }
  const app = await startApp({ endpoints: [Probe], configure: (nest) => nest.useGlobalPipes(watcher) });
  const finished = new Journal<unknown>();
  app.registry.on('finish', finished.add);
  const client = await app.connect('/ws/probe');
  void client.send({ event: 'say', data: 'hello' });
  void client.send({ event: 'break' });
  await client.next();
  await client.next();
  await client.close();
  await finished.next();
  expect(watcher.shown).toEqual([{ value: 'hello', metadata: { type: 'body', metatype: String, data: undefined } }]);
});

it('a global pipe is shown the same of an endpoint as of a controller', async () => {
  const watcher = new Watcher();

  @Controller('rooms')
  class Rooms {
    @Post(':room')
    say(
      @Param('room') _room: string,
      @Param() _params: object,
      @Query('page') _page: number,
      @Headers('x-own') _own: string,
      @Headers() _headers: object,
      @Ip() _ip: string,
      @Session() _session: unknown,
      @Custom('custom') _custom: string,
      @Body() _body: Dto,
      @Body('text') _text: string,
    ): void {}
  }

  @WsEndpoint({ path: 'rooms/:room', serializer: 'json' })
  class Room {
    @OnMessage()
    say(
      @Param('room') _room: string,
      @Param() _params: object,
      @Query('page') _page: number,
      @Headers('x-own') _own: string,
      @Headers() _headers: object,
      @Ip() _ip: string,
      @Session() _session: unknown,
      @Custom('custom') _custom: string,
      @Body() _body: Dto,
      @Body('text') _text: string,
    ): string {
      return 'said';
    }
  }
  const app = await startApp({
    endpoints: [Room],
    controllers: [Rooms],
    configure: (nest) => nest.useGlobalPipes(watcher),
  });
  const body = JSON.stringify({ text: 'hello' });
  const headers = { 'x-own': 'mine', 'content-type': 'application/json' };
  expect((await app.fetch('/rooms/7?page=2', { method: 'POST', headers, body })).status).toBe(201);
  const ofController = watcher.shown.splice(0);
  const client = await app.connect('/ws/rooms/7?page=2', { headers });
  void client.send({ text: 'hello' });
  await client.next();
  const describeShown = ({ metadata: { type, metatype, data } }: (typeof ofController)[number]) =>
    `${type} ${metatype?.name} ${data}`;
  expect(watcher.shown.map(describeShown).toSorted()).toEqual(ofController.map(describeShown).toSorted());
});

describeNest('cookies', () => {
  it('a global pipe is shown a cookie of an endpoint as one of a controller', async () => {
    const { Cookies } = common;
    const watcher = new Watcher();
    @Controller('rooms')
    class Rooms {
      @Post()
      say(@Cookies('sid') _sid: string): void {}
    }
    @WsEndpoint('rooms')
    class Room {
      @OnMessage()
      say(@Cookies('sid') _sid: string): string {
        return 'said';
      }
    }
    const app = await startApp({
      endpoints: [Room],
      controllers: [Rooms],
      configure: (nest) => nest.useGlobalPipes(watcher),
    });
    await app.fetch('/rooms', { method: 'POST' });
    const [ofController] = watcher.shown.splice(0);
    const client = await app.connect('/ws/rooms');
    void client.send('hello');
    await client.next();
    expect(watcher.shown.map(({ metadata }) => metadata)).toEqual([ofController?.metadata]);
  });
});

describe('pipes on a message', () => {
  it('run for a parameter one after the other: global, class, method, parameter', async () => {
    const adding = (what: string): PipeTransform<string, Promise<string>> => ({
      transform: async (value) => `${value} ${what}`,
    });
    @UsePipes(adding('class'))
    @WsEndpoint('probe')
    class Probe {
      @UsePipes(adding('method'))
      @OnMessage()
      say(@MessageBody(adding('parameter')) text: string): string {
        return text;
      }
    }
    const app = await startApp({ endpoints: [Probe], configure: (nest) => nest.useGlobalPipes(adding('global')) });
    const client = await app.connect('/ws/probe');
    void client.send('start');
    expect(await client.next()).toBe('start global class method parameter');
  });

  it('are built by the injector when they are classes', async () => {
    @Injectable()
    class Names {
      readonly greeting = 'hello';
    }

    @Injectable()
    class Greeting implements PipeTransform<string, string> {
      constructor(private readonly names: Names) {}

      transform(value: string): string {
        return `${this.names.greeting} ${value}`;
      }
    }

    @WsEndpoint('probe')
    class Probe {
      @OnMessage()
      say(@MessageBody(Greeting) text: string): string {
        return text;
      }
    }
    const app = await startApp({ endpoints: [Probe], providers: [Names] });
    const client = await app.connect('/ws/probe');
    void client.send('alice');
    expect(await client.next()).toBe('hello alice');
  });

  it('keep the messages in order while they wait', async () => {
    const gate = new Gate();
    const waiting: PipeTransform<string, string | Promise<string>> = {
      transform: (value) => (value === 'one' ? gate.opened.then(() => value) : value),
    };
    @WsEndpoint('probe')
    class Probe {
      @OnMessage()
      say(@MessageBody(waiting) text: string): string {
        return text;
      }
    }
    const app = await startApp({ endpoints: [Probe] });
    const client = await app.connect('/ws/probe');
    void client.send('one');
    await client.send('two');
    gate.open();
    expect([await client.next(), await client.next()]).toEqual(['one', 'two']);
  });
});

describe('pipes at the end', () => {
  it('give @OnFinish what they gave @OnEstablish', async () => {
    const finished = new Journal<unknown>();
    const numbered: PipeTransform<string, number> = { transform: Number };
    @WsEndpoint('rooms/:room')
    class Room {
      @OnFinish()
      leave(@Param('room', numbered) room: number, @HandshakeResult(0) name: string, end: FinishInfo): void {
        finished.add([room, name, end.code]);
      }
    }
    const app = await startApp({
      endpoints: [Room],
      options: { handshake: (_context, response) => [response, 'alice'] },
    });
    await (await app.connect('/ws/rooms/7')).close(4000);
    expect(await finished.next()).toEqual([7, 'alice', 4000]);
  });
});
