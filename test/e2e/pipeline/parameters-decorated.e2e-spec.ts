import { beforeEach, describe, expect, it } from '@jest/globals';
import * as common from '@nestjs/common';
import { Body, Headers, Ip, Param, Query, Session } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  Connection,
  HandshakeResult,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
} from '../../../src/index.js';
import { describeNest } from '../../support/nest-features.js';
import { leadThroughStages, StageCalls } from '../../support/stage-calls.js';

let calls: StageCalls;
beforeEach(() => {
  calls = new StageCalls();
});

const boom = new Error('boom');

describe('on every stage', () => {
  it('the request decorators give what the upgrade request had', async () => {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(
        @Param('room') room: string,
        @Query('page') page: string,
        @Headers('X-Own') own: string,
        @Ip() ip: string,
        @Session() session: unknown,
        @Param() params: object,
        @Query() query: object,
        @Headers() headers: Record<string, unknown>,
      ): void {
        calls.note('establish', room, page, own, ip, session, { ...params }, { ...query }, headers['x-own']);
      }

      @OnMessage('say')
      say(
        @Param('room') room: string,
        @Query('page') page: string,
        @Headers('x-own') own: string,
        @Ip() ip: string,
        @Session() session: unknown,
        @Param() params: object,
        @Query() query: object,
        @Headers() headers: Record<string, unknown>,
      ): void {
        calls.note('message', room, page, own, ip, session, { ...params }, { ...query }, headers['x-own']);
      }

      @OnMessage('break')
      break(): never {
        throw boom;
      }

      @OnError()
      fail(@Param('room') room: string, @Session() session: unknown): void {
        calls.note('error', room, session);
      }

      @OnFinish()
      leave(@Param('room') room: string, @Session() session: unknown): void {
        calls.note('finish', room, session);
      }
    }
    const session = { visits: 1 };
    const all = ['7', '2', 'mine', '127.0.0.1', session, { room: '7' }, { page: '2' }, 'mine'];
    const withSession = (request: object, _response: unknown, next: () => void): void => {
      Object.assign(request, { session });
      next();
    };
    await leadThroughStages(Room, { middleware: [withSession] });
    expect(calls.all).toEqual({
      establish: all,
      message: all,
      error: ['7', session],
      finish: ['7', session],
    });
  });

  describeNest('cookies', () => {
    it('@Cookies gives those of the upgrade request', async () => {
      const { Cookies } = common;
      @WsEndpoint('rooms/:room')
      class Room {
        @OnEstablish()
        enter(@Cookies('sid') sid: string, @Cookies() cookies: object): void {
          calls.note('establish', sid, { ...cookies });
        }

        @OnMessage('say')
        say(@Cookies('sid') sid: string, @Cookies() cookies: object): void {
          calls.note('message', sid, { ...cookies });
        }

        @OnMessage('break')
        break(): never {
          throw boom;
        }

        @OnError()
        fail(@Cookies('sid') sid: string): void {
          calls.note('error', sid);
        }

        @OnFinish()
        leave(@Cookies('sid') sid: string): void {
          calls.note('finish', sid);
        }
      }
      await leadThroughStages(Room);
      const both = ['s1', { sid: 's1' }];
      expect(calls.all).toEqual({ establish: both, message: both, error: ['s1'], finish: ['s1'] });
    });
  });

  it('@MessageBody and @Body give what the stage is about', async () => {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(@MessageBody() body: unknown, @Body() same: unknown): void {
        calls.note('establish', body, same);
      }

      @OnMessage('say')
      say(
        @MessageBody() body: unknown,
        @Body() same: unknown,
        @MessageBody('text') text: string,
        @Body('more') more: number,
      ): void {
        calls.note('message', body, same, text, more);
      }

      @OnMessage('break')
      break(): never {
        throw boom;
      }

      @OnError()
      fail(@MessageBody() error: unknown, @Body() same: unknown): void {
        calls.note('error', error, same);
      }

      @OnFinish()
      leave(@MessageBody() end: unknown, @Body('code') code: number): void {
        calls.note('finish', end, code);
      }
    }
    const message = { text: 'hello', more: 1 };
    await leadThroughStages(Room);
    expect(calls.all).toEqual({
      establish: [undefined, undefined],
      message: [message, message, 'hello', 1],
      error: [boom, boom],
      finish: [expect.objectContaining({ code: 4000, reason: 'bye' }), 4000],
    });
  });

  it('@ConnectedSocket gives the connection', async () => {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(@ConnectedSocket() connection: unknown): void {
        calls.note('establish', connection);
      }

      @OnMessage('say')
      say(@MessageBody() _body: unknown, @ConnectedSocket() connection: unknown): void {
        calls.note('message', connection);
      }

      @OnMessage('break')
      break(): never {
        throw boom;
      }

      @OnError()
      fail(@ConnectedSocket() connection: unknown): void {
        calls.note('error', connection);
      }

      @OnFinish()
      leave(@ConnectedSocket() connection: unknown): void {
        calls.note('finish', connection);
      }
    }
    await leadThroughStages(Room);
    const { establish, message, error, finish } = calls.all;
    expect(establish[0]).toBeInstanceOf(Connection);
    expect([message[0], error[0], finish[0]]).toEqual([establish[0], establish[0], establish[0]]);
  });

  it('@HandshakeResult gives what the hook returned', async () => {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(@HandshakeResult(1) second: string, @HandshakeResult() all: unknown): void {
        calls.note('establish', second, all);
      }

      @OnMessage('say')
      say(@HandshakeResult(1) second: string): void {
        calls.note('message', second);
      }

      @OnMessage('break')
      break(): never {
        throw boom;
      }

      @OnError()
      fail(@HandshakeResult(1) second: string): void {
        calls.note('error', second);
      }

      @OnFinish()
      leave(@HandshakeResult(1) second: string): void {
        calls.note('finish', second);
      }
    }
    await leadThroughStages(Room, { handshake: (_context, response) => [response, 'first', 'second'] });
    expect(calls.all).toEqual({
      establish: ['second', ['first', 'second']],
      message: ['second'],
      error: ['second'],
      finish: ['second'],
    });
  });
});
