import { beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Headers, Ip, Param, ParseIntPipe, Query, Session } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { Connection, HandshakeResult, OnMessage, RequestContext, WsEndpoint } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { Later, Seen } from '../support/param-decorators.js';
import { openRoom } from './parameter-scene.js';

class ChatMessage {
  text = '';
}

describe('the parameters', () => {
  let got: Journal<unknown[]>;
  beforeEach(() => {
    got = new Journal();
  });

  describe('of @OnMessage', () => {
    it('are the connection and the message by position', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage()
        say(connection: unknown, message: unknown): void {
          got.add([connection, message]);
        }
      }
      const { app, client } = await openRoom(Room);
      void client.send({ text: 'hi' });
      expect(await got.next()).toEqual([[...app.registry][0], { text: 'hi' }]);
    });

    it('are resolved by their class wherever they stand', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage()
        say(signal: AbortSignal, message: unknown, context: RequestContext, connection: Connection): void {
          got.add([signal, message, context, connection]);
        }
      }
      const { app, client } = await openRoom(Room);
      void client.send('"hi"');
      const [connection] = app.registry;
      expect(await got.next()).toEqual([connection?.signal, 'hi', connection?.context, connection]);
    });

    it.each<[string, new () => object]>([
      [
        'string',
        (() => {
          @WsEndpoint('rooms/:room')
          class Room {
            @OnMessage()
            say(message: string): void {
              got.add([message]);
            }
          }
          return Room;
        })(),
      ],
      [
        'class',
        (() => {
          @WsEndpoint('rooms/:room')
          class Room {
            @OnMessage()
            say(message: ChatMessage): void {
              got.add([message]);
            }
          }
          return Room;
        })(),
      ],
    ])('are the message alone when the only one is declared as a %s', async (_what, endpoint) => {
      const { client } = await openRoom(endpoint);
      void client.send('"hi"');
      expect(await got.next()).toEqual(['hi']);
    });

    it('are what their decorators say, those of @nestjs/common and @nestjs/websockets', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage()
        say(
          @Param('room') room: string,
          @Param() params: object,
          @Query('q') q: string,
          @Query() query: object,
          @Headers('X-Own') header: string,
          @Ip() ip: string,
          @Session() session: object,
          @Body() body: unknown,
          @MessageBody() message: unknown,
          @MessageBody('text') text: unknown,
          @HandshakeResult(1) second: unknown,
          @HandshakeResult() results: unknown,
          @ConnectedSocket() connection: unknown,
        ): void {
          got.add([room, params, q, query, header, ip, session, body, message, text, second, results, connection]);
        }
      }
      const { app, client } = await openRoom(Room);
      void client.send({ text: 'hi' });
      expect(await got.next()).toEqual([
        '5',
        { room: '5' },
        '1',
        { q: '1' },
        'value',
        '127.0.0.1',
        { user: 'alice' },
        { text: 'hi' },
        { text: 'hi' },
        'hi',
        { second: 2 },
        ['first', { second: 2 }],
        [...app.registry][0],
      ]);
    });

    it('may be decorated, resolved by class and by position side by side', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage()
        say(
          @Param('room', ParseIntPipe) room: number,
          message: unknown,
          context: RequestContext,
          connection: Connection,
        ): void {
          got.add([room, message, context.path, connection.id]);
        }
      }
      const { app, client } = await openRoom(Room);
      void client.send('"hi"');
      const [connection] = app.registry;
      expect(await got.next()).toEqual([5, 'hi', '/ws/rooms/5', connection?.id]);
    });

    it.each(['constructor', '__proto__', 'toString', 'length'])(
      'have no %s that the message does not have',
      async (name) => {
        @WsEndpoint('rooms/:room')
        class Room {
          @OnMessage()
          say(@MessageBody(name) value: unknown): void {
            got.add([value]);
          }
        }
        const { client } = await openRoom(Room);
        for (const message of ['{}', '"text"', 'null', '[]', '5']) void client.send(message);
        await got.reached(5);
        expect(got.entries.map(([value]) => value)).toEqual([
          undefined,
          undefined,
          undefined,
          name === 'length' ? 0 : undefined,
          undefined,
        ]);
      },
    );

    it('come from also asynchronously', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage('say')
        say(@Seen('data') seen: unknown, @Later() later: unknown): void {
          got.add([seen, later]);
        }
      }
      const { client } = await openRoom(Room);
      void client.send({ event: 'say' });
      const seen = { data: 'data', type: 'ws', handler: 'say', plack: true, first: 'connection' };
      expect(await got.next()).toEqual([seen, 'later']);
    });

    it('that a pipe refuses are an error to the client', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage('add')
        add(@MessageBody('n', ParseIntPipe) n: number): number {
          return n + 1;
        }
      }
      const { client } = await openRoom(Room);
      void client.send({ event: 'add', data: { n: 'one' }, id: 1 });
      expect(await client.nextJson()).toMatchObject({ event: 'error', id: 1, data: { code: 'bad_request' } });
      void client.send({ event: 'add', data: { n: '1' } });
      expect(await client.nextJson()).toEqual({ event: 'add', data: 2 });
    });
  });
});
