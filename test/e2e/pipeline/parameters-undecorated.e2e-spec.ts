import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
} from '../../../src/index.js';
import { leadThroughStages, StageCalls } from '../../support/stage-calls.js';

let calls: StageCalls;
beforeEach(() => {
  calls = new StageCalls();
});

const boom = new Error('boom');

describe('on every stage', () => {
  it('undecorated parameters are found by their declared class, in any order', async () => {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(signal: AbortSignal, context: RequestContext, connection: Connection): void {
        calls.note('establish', signal, context, connection);
      }

      @OnMessage('say')
      say(signal: AbortSignal, message: unknown, context: RequestContext, connection: Connection): void {
        calls.note('message', signal, context, connection, message);
      }

      @OnMessage('break')
      break(): never {
        throw boom;
      }

      @OnError()
      fail(error: unknown, signal: AbortSignal, context: RequestContext, connection: Connection): void {
        calls.note('error', signal, context, connection, error);
      }

      @OnFinish()
      leave(end: FinishInfo, signal: AbortSignal, context: RequestContext, connection: Connection): void {
        calls.note('finish', signal, context, connection, end);
      }
    }
    await leadThroughStages(Room);
    const { establish, message, error, finish } = calls.all;
    const [signal, context, connection] = establish;
    expect(connection).toBeInstanceOf(Connection);
    expect({ signal, context }).toEqual({
      signal: (connection as Connection).signal,
      context: (connection as Connection).context,
    });
    expect(message).toEqual([...establish, { text: 'hello', more: 1 }]);
    expect(error).toEqual([...establish, boom]);
    expect(finish).toEqual([...establish, expect.any(FinishInfo)]);
  });

  it('undecorated parameters without a class are found by their position', async () => {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(connection: unknown, context: unknown, results: unknown): void {
        calls.note('establish', connection, context, results);
      }

      @OnMessage('say')
      say(connection: unknown, message: { text: string }): void {
        calls.note('message', connection, message);
      }

      @OnMessage('break')
      break(): never {
        throw boom;
      }

      @OnError()
      fail(connection: unknown, error: unknown): void {
        calls.note('error', connection, error);
      }

      @OnFinish()
      leave(connection: unknown, end: unknown): void {
        calls.note('finish', connection, end);
      }
    }
    await leadThroughStages(Room, { handshake: (_context, response) => [response, 1] });
    const { establish, message, error, finish } = calls.all;
    const [connection] = establish;
    expect(establish).toEqual([expect.any(Connection), (connection as Connection).context, [1]]);
    expect(message).toEqual([connection, { text: 'hello', more: 1 }]);
    expect(error).toEqual([connection, boom]);
    expect(finish).toEqual([connection, expect.any(FinishInfo)]);
  });
});
