import { describe, expect, it } from '@jest/globals';
import {
  Body,
  Param,
  ParseIntPipe,
  Query,
  UsePipes,
  ValidationPipe,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { MessageBody, WsException } from '@nestjs/websockets';
import { Transform } from 'class-transformer';
import { IsInt, IsString, MaxLength, Min } from 'class-validator';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

class Line {
  @IsString()
  @MaxLength(5)
  text!: string;
}

class Page {
  @Transform(({ value }) => Number(value))
  @IsInt()
  @Min(1)
  page!: number;
}

function boot(endpoint: Type, ...pipes: PipeTransform[]): Promise<StartedApp> {
  return startApp({
    endpoints: [endpoint],
    options: { serializer: 'json' },
    configure: (app) => app.useGlobalPipes(...pipes),
  });
}

/** What a message is answered with. */
async function answerTo(app: StartedApp, data: unknown): Promise<unknown> {
  const client = await app.connect('/ws/lines');
  void client.send({ event: 'say', data, id: 9 });
  return client.nextJson();
}

async function bodyOf(refused: Promise<unknown>): Promise<unknown> {
  const error = await refused.then(
    () => undefined,
    (thrown: unknown) => thrown as { status: number; body: string },
  );
  return { status: error?.status, body: JSON.parse(error?.body ?? 'null') as unknown };
}

describe('a message of a DTO class', () => {
  const kinds: [string, () => Type][] = [
    [
      'that nothing decorates',
      () => {
        @WsEndpoint('lines')
        class Lines {
          @OnMessage('say')
          say(_connection: Connection, message: Line): unknown {
            return { isLine: message instanceof Line, ...message };
          }
        }
        return Lines;
      },
    ],
    [
      'by @MessageBody',
      () => {
        @WsEndpoint('lines')
        class Lines {
          @OnMessage('say')
          say(@MessageBody() message: Line): unknown {
            return { isLine: message instanceof Line, ...message };
          }
        }
        return Lines;
      },
    ],
    [
      'by @Body',
      () => {
        @WsEndpoint('lines')
        class Lines {
          @OnMessage('say')
          say(@Body() message: Line, _connection: Connection): unknown {
            return { isLine: message instanceof Line, ...message };
          }
        }
        return Lines;
      },
    ],
  ];

  it.each(kinds)(
    '%s is validated, transformed and whitelisted by a global ValidationPipe',
    async (_how, makeEndpoint) => {
      const app = await boot(makeEndpoint(), new ValidationPipe({ transform: true, whitelist: true }));
      expect(await answerTo(app, { text: 'hello', more: 'x' })).toEqual({
        event: 'say',
        id: 9,
        data: { isLine: true, text: 'hello' },
      });
      expect(await answerTo(app, { text: 'secret words' })).toEqual({
        event: 'error',
        id: 9,
        data: {
          code: 'bad_request',
          message: 'text must be shorter than or equal to 5 characters',
          details: ['text must be shorter than or equal to 5 characters'],
        },
      });
      expect(app.logs.problems).toEqual([]);
    },
  );

  it.each([
    ['null', null],
    ['text', 'hello'],
    ['a number', 1],
    ['a list', [{ text: 'hello!' }]],
    ['nothing', undefined],
  ])('is not made of %s', async (_what, data) => {
    @WsEndpoint('lines')
    class Lines {
      @OnMessage('say')
      say(_connection: Connection, _message: Line): string {
        return 'handled';
      }
    }
    const app = await boot(Lines, new ValidationPipe());
    expect(await answerTo(app, data)).toMatchObject({ event: 'error', id: 9, data: { code: 'bad_request' } });
  });

  it('is refused in the words of an exceptionFactory', async () => {
    @UsePipes(
      new ValidationPipe({
        exceptionFactory: (errors) =>
          new WsException({ code: 'invalid_line', fields: errors.map(({ property }) => property) }),
      }),
    )
    @WsEndpoint('lines')
    class Lines {
      @OnMessage('say')
      say(_connection: Connection, _message: Line): void {}
    }
    expect(await answerTo(await boot(Lines), {})).toEqual({
      event: 'error',
      id: 9,
      data: { code: 'invalid_line', message: expect.any(String), details: { fields: ['text'] } },
    });
  });

  it('never comes back to the client in an error', async () => {
    @WsEndpoint('lines')
    class Lines {
      @OnMessage('say')
      say(_connection: Connection, _message: Line): void {}
    }
    const app = await boot(Lines, new ValidationPipe({ forbidNonWhitelisted: true, whitelist: true }));
    expect(JSON.stringify(await answerTo(app, { text: 'top secret' }))).not.toContain('secret');
  });
});

describe('pipes of @OnEstablish', () => {
  it('refuse a path parameter with 400 before the 101', async () => {
    let entered = 0;
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(connection: Connection, @Param('room', ParseIntPipe) room: number): void {
        entered++;
        void connection.send({ room });
      }
    }
    const app = await boot(Room);
    expect(await (await app.connect('/ws/rooms/7')).nextJson()).toEqual({ room: 7 });
    expect(await bodyOf(app.connect('/ws/rooms/abc'))).toEqual({
      status: 400,
      body: { statusCode: 400, error: 'Bad Request', message: 'Validation failed (numeric string is expected)' },
    });
    expect({ entered, size: app.registry.size }).toEqual({ entered: 1, size: 1 });
  });

  it('make a DTO of the query, or refuse it with the messages of a global ValidationPipe', async () => {
    @WsEndpoint('pages')
    class Pages {
      @OnEstablish()
      enter(@Query() query: Page, connection: Connection): void {
        void connection.send({ isPage: query instanceof Page, ...query });
      }
    }
    const app = await boot(Pages, new ValidationPipe({ transform: true }));
    expect(await (await app.connect('/ws/pages?page=3')).nextJson()).toEqual({ isPage: true, page: 3 });
    expect(await bodyOf(app.connect('/ws/pages?page=0'))).toEqual({
      status: 400,
      body: { statusCode: 400, error: 'Bad Request', message: ['page must not be less than 1'] },
    });
  });
});
