import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  createParamDecorator,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  Connection,
  MessageDecodingError,
  MessageId,
  messageIdOf,
  OnError,
  OnMessage,
  UnknownEventError,
  WsEndpoint,
  type FailedMessage,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp } from '../support/start-app.js';
import { takeJson } from '../support/take.js';

describe('what is known of a message', () => {
  it('@MessageId gives the id, in handlers, in @OnError and to enhancers', async () => {
    const seen: unknown[] = [];
    class Guard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        seen.push(['guard', messageIdOf(context), context.switchToWs().getPattern()]);
        return true;
      }
    }
    class Interceptor implements NestInterceptor {
      intercept(context: ExecutionContext, next: Parameters<NestInterceptor['intercept']>[1]) {
        seen.push(['interceptor', messageIdOf(context)]);
        return next.handle();
      }
    }
    @Catch(RangeError)
    class Filter implements ExceptionFilter {
      catch(_error: unknown, host: ArgumentsHost): string {
        return `filter ${String(messageIdOf(host))}`;
      }
    }
    const Custom = createParamDecorator((_data, context: ExecutionContext) => messageIdOf(context));

    @WsEndpoint({ path: 'ids', serializer: 'json' })
    @UseGuards(Guard)
    class Ids {
      @OnMessage('plain')
      plain(@MessageId() id: string, @MessageId() again: string): unknown {
        return [id, again];
      }

      @OnMessage('enhanced')
      @UseInterceptors(Interceptor)
      enhanced(@Custom() custom: unknown, @MessageId() id: number): unknown {
        return [custom, id];
      }

      @OnMessage('range')
      @UseFilters(Filter)
      range(): never {
        throw new RangeError('out of range');
      }

      @OnMessage('fail')
      fail(): never {
        throw new Error('failed');
      }

      @OnMessage()
      any(@MessageId() id: unknown): unknown {
        return { any: id ?? 'none' };
      }

      @OnError()
      error(@MessageId() id: unknown): unknown {
        return `@OnError ${String(id)}`;
      }
    }
    const app = await startApp({ endpoints: [Ids] });
    const client = await app.connect('/ws/ids');
    const answers: unknown[] = [];
    for (const message of [
      { event: 'plain', id: 'a' },
      { event: 'enhanced', id: 2 },
      { event: 'range', id: 'c' },
      { event: 'fail', id: 'd' },
      { event: 'elsewhere', id: 'e' },
      [1],
    ]) {
      void client.send(JSON.stringify(message));
      answers.push(await client.nextJson());
    }
    expect(answers).toEqual([
      { event: 'plain', data: ['a', 'a'], id: 'a' },
      { event: 'enhanced', data: [2, 2], id: 2 },
      { event: 'range', data: 'filter c', id: 'c' },
      { event: 'fail', data: '@OnError d', id: 'd' },
      { any: 'e' },
      { any: 'none' },
    ]);
    // The guard ran for the handshake as well, where there is no message.
    expect(seen).toEqual([
      ['guard', undefined, undefined],
      ['guard', 'a', 'plain'],
      ['guard', 2, 'enhanced'],
      ['interceptor', 2],
      ['guard', 'c', 'range'],
      ['guard', 'd', 'fail'],
      ['guard', 'e', 'message'],
      ['guard', undefined, 'message'],
    ]);
  });

  it('@OnError sees the message as it came, its event and its id', async () => {
    const errors = new Journal<[unknown, FailedMessage | undefined]>();
    @WsEndpoint({ path: 'seen', serializer: 'json' })
    class Seen {
      @OnMessage('fail')
      async fail(): Promise<never> {
        await Promise.resolve();
        throw new RangeError('late');
      }

      @OnError()
      error(_connection: Connection, error: unknown, message: FailedMessage): void {
        errors.add([(error as Error).constructor, message]);
      }
    }
    const app = await startApp({ endpoints: [Seen] });
    const client = await app.connect('/ws/seen');
    const messages = ['{"event":"fail","id":7}', '{"event":"unheard of","id":"x"}', '{"event"', '[]'];
    for (const message of messages) void client.send(message);
    await takeJson(client, messages.length);
    expect(errors.entries).toEqual([
      [RangeError, { raw: messages[0], event: 'fail', id: 7 }],
      [UnknownEventError, { raw: messages[1], event: undefined, id: 'x' }],
      [MessageDecodingError, { raw: messages[2], event: undefined, id: undefined }],
      [MessageDecodingError, { raw: messages[3], event: undefined, id: undefined }],
    ]);
    void client.send(Buffer.from([1, 2]));
    expect((await client.closed()).code).toBe(1003);
    expect(errors.entries.at(-1)?.[1]).toEqual({ raw: Buffer.from([1, 2]), event: undefined, id: undefined });
  });

  it('@OnError answers with silence by null, and by a promise of it; the connection goes on, a raw one too', async () => {
    @WsEndpoint({ path: 'json', serializer: 'json' })
    class Silent {
      @OnMessage('say')
      say(): string {
        return 'said';
      }

      @OnError()
      error(_connection: Connection, error: unknown): null | Promise<null> {
        return error instanceof UnknownEventError ? Promise.resolve(null) : null;
      }
    }
    @WsEndpoint('raw')
    class SilentRaw {
      @OnMessage()
      say(_connection: Connection, message: string): string {
        if (message === 'fail') throw new Error('failed');
        return message;
      }

      @OnError()
      error(): null {
        return null;
      }
    }
    const app = await startApp({ endpoints: [Silent, SilentRaw] });
    const json = await app.connect('/ws/json');
    for (const message of ['{', '{"event":"unheard of"}', '{"event":"say"}']) void json.send(message);
    expect(await json.nextJson()).toEqual({ event: 'say', data: 'said' });
    const raw = await app.connect('/ws/raw');
    void raw.send('fail');
    void raw.send('goes on');
    expect(await raw.next()).toBe('goes on');
    expect(app.logs.problems).toEqual([]);
  });
});
