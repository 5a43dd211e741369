import { beforeEach, describe, expect, it } from '@jest/globals';
import { Param, ParseIntPipe, Session } from '@nestjs/common';
import {
  Connection,
  FinishInfo,
  HandshakeResult,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { Later, Seen } from '../support/param-decorators.js';
import { openRoom } from './parameter-scene.js';

describe('the parameters beside messages', () => {
  let got: Journal<unknown[]>;
  beforeEach(() => {
    got = new Journal();
  });

  describe('of @OnEstablish', () => {
    it('are the connection, the context and the results by position', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnEstablish()
        enter(connection: unknown, context: unknown, results: unknown): void {
          got.add([connection, context, results]);
        }
      }
      const { app } = await openRoom(Room);
      const [connection] = app.registry;
      expect(await got.next()).toEqual([connection, connection?.context, ['first', { second: 2 }]]);
    });

    it('mix the request, the connection and custom ones; the request is piped before the 101', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnEstablish()
        enter(
          @HandshakeResult(0) first: string,
          connection: Connection,
          @Param('room', ParseIntPipe) room: number,
          @Seen() seen: unknown,
          signal: AbortSignal,
          @Session() session: unknown,
          @Later() later: unknown,
        ): void {
          got.add([first, connection.id, room, seen, signal, session, later]);
        }
      }
      const { app } = await openRoom(Room);
      const [connection] = app.registry;
      const seen = { data: undefined, type: 'http', handler: 'enter', plack: true, first: 'request' };
      expect(await got.next()).toEqual([
        'first',
        connection?.id,
        5,
        seen,
        connection?.signal,
        { user: 'alice' },
        'later',
      ]);
      const refused = await app.connect('/ws/rooms/abc').catch((error: unknown) => error);
      expect(refused).toMatchObject({ status: 400, body: expect.stringContaining('numeric string is expected') });
      expect(app.registry.size).toBe(1);
    });
  });

  describe('of @OnFinish and @OnError', () => {
    it('are the connection and what happened, by position', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage()
        fail(): never {
          throw new Error('boom');
        }

        @OnError()
        failed(connection: unknown, error: unknown): string {
          got.add([connection, error]);
          return 'failed';
        }

        @OnFinish()
        leave(connection: unknown, end: unknown): void {
          got.add([connection, end]);
        }
      }
      const { app, client } = await openRoom(Room);
      const [connection] = app.registry;
      void client.send('1');
      expect(await client.nextJson()).toBe('failed');
      expect(await got.next()).toEqual([connection, new Error('boom')]);
      await client.close(4001, 'bye');
      expect(await got.next()).toEqual([connection, new FinishInfo(4001, 'bye', true, 'client')]);
    });

    it('of @OnFinish may be the FinishInfo alone, decorated, or custom', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnFinish()
        leave(
          end: FinishInfo,
          @Param('room') room: string,
          @HandshakeResult(0) first: string,
          @Seen() seen: { type: string },
        ): void {
          got.add([end.code, room, first, seen.type]);
        }
      }
      const { client } = await openRoom(Room);
      await client.close(4002);
      expect(await got.next()).toEqual([4002, '5', 'first', 'ws']);
    });

    it('of @OnFinish have a signal that has aborted, with the same end as its reason', async () => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnFinish()
        leave(signal: AbortSignal, end: FinishInfo): void {
          got.add([signal.aborted, signal.reason === end]);
        }
      }
      const { client } = await openRoom(Room);
      await client.terminate();
      expect(await got.next()).toEqual([true, true]);
    });
  });
});
