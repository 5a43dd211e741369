import { expect, it } from '@jest/globals';
import {
  createParamDecorator,
  Injectable,
  ParseIntPipe,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import { OnError, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { leadThroughStages, StageCalls } from '../../support/stage-calls.js';

it('decorators made by createParamDecorator give what their factory gives or resolves to, through their pipes', async () => {
  const calls = new StageCalls();
  const Page = createParamDecorator((name: string, context: ExecutionContext) => {
    const request = context.switchToHttp().getRequest<{ query: Record<string, string> }>();
    return `${context.getType()} ${request.query[name]}`;
  });
  const LaterPage = createParamDecorator(async (name: string, context: ExecutionContext) => {
    await Promise.resolve();
    return context.switchToHttp().getRequest<{ query: Record<string, string> }>().query[name];
  });

  @Injectable()
  class Tenfold implements PipeTransform<number, number> {
    transform(value: number): number {
      return value * 10;
    }
  }

  @WsEndpoint('rooms/:room')
  class Room {
    @OnEstablish()
    enter(
      @Page('page') page: string,
      @LaterPage('page') later: string,
      @LaterPage('page', ParseIntPipe, Tenfold) piped: number,
    ): void {
      calls.note('establish', page, later, piped);
    }

    @OnMessage('say')
    say(
      @Page('page') page: string,
      @LaterPage('page') later: string,
      @LaterPage('page', ParseIntPipe, Tenfold) piped: number,
    ): void {
      calls.note('message', page, later, piped);
    }

    @OnMessage('break')
    break(): never {
      throw new Error('boom');
    }

    @OnError()
    fail(
      @Page('page') page: string,
      @LaterPage('page') later: string,
      @LaterPage('page', ParseIntPipe, Tenfold) piped: number,
    ): void {
      calls.note('error', page, later, piped);
    }

    @OnFinish()
    leave(
      @Page('page') page: string,
      @LaterPage('page') later: string,
      @LaterPage('page', ParseIntPipe, Tenfold) piped: number,
    ): void {
      calls.note('finish', page, later, piped);
    }
  }
  await leadThroughStages(Room);
  expect(calls.all).toEqual({
    establish: ['http 2', '2', 20],
    message: ['ws 2', '2', 20],
    error: ['ws 2', '2', 20],
    finish: ['ws 2', '2', 20],
  });
});
