import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Injectable,
  NotFoundException,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import {
  BaseWsExceptionFilter,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { IsString } from 'class-validator';
import { concat, map, of, throwError, type Observable } from 'rxjs';
import type { WebSocket } from 'ws';
import { describeNest, nestHas } from '../../support/nest-features.js';
import type { AppSpec } from '../../support/start-app.js';
import { BOTH, startGateways, type Installation } from './start-gateways.js';

class Words {
  @IsString()
  readonly text!: string;
}

class Polite implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { text } = context.switchToWs().getData<{ text?: string }>();
    return context.getType() === 'ws' && context.switchToWs().getPattern() === 'guarded' && text === 'please';
  }
}

class Loud implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((reply: { data: string }) => ({ ...reply, data: reply.data.toUpperCase() })));
  }
}

class Rude extends Error {}

@Catch(Rude)
class RudeFilter implements ExceptionFilter {
  catch(_error: Rude, host: ArgumentsHost): void {
    host.switchToWs().getClient<WebSocket>().send('{"event":"filtered"}');
  }
}

@Catch()
class Falling extends BaseWsExceptionFilter {
  override catch(): void {
    throw new Error('a filter that fails');
  }
}

@WebSocketGateway({ path: '/enhanced' })
class Enhanced {
  @SubscribeMessage('ws-exception')
  refuse(): void {
    throw new WsException('not like this');
  }

  @SubscribeMessage('ws-exception-object')
  refuseWith(): void {
    throw new WsException({ code: 7, why: 'so' });
  }

  @SubscribeMessage('error')
  async fail(): Promise<void> {
    throw new Error('a secret');
  }

  @SubscribeMessage('http-exception')
  missing(): void {
    throw new NotFoundException('a secret');
  }

  @SubscribeMessage('observable-error')
  failing(): Observable<unknown> {
    return concat(
      of({ event: 'first' }),
      throwError(() => new WsException('then no more')),
    );
  }

  @UseFilters(RudeFilter)
  @SubscribeMessage('filtered')
  filtered(): void {
    throw new Rude();
  }

  @UseFilters(RudeFilter)
  @SubscribeMessage('not-filtered')
  notFiltered(): void {
    throw new WsException('for another filter');
  }

  @UseFilters(Falling)
  @SubscribeMessage('falling')
  falling(): void {
    throw new Rude();
  }

  @SubscribeMessage('number')
  number(@MessageBody('n', ParseIntPipe) n: number): unknown {
    return { event: 'number', data: n + 1 };
  }

  @UsePipes(new ValidationPipe({ transform: true, exceptionFactory: () => new WsException('invalid') }))
  @SubscribeMessage('validated')
  validated(@MessageBody() words: Words): unknown {
    return { event: 'valid', data: words instanceof Words && words.text };
  }

  @UseGuards(Polite)
  @SubscribeMessage('guarded')
  guarded(): unknown {
    return { event: 'served' };
  }

  @UseInterceptors(Loud)
  @SubscribeMessage('loud')
  loud(): unknown {
    return { event: 'loud', data: 'hey' };
  }

  @SubscribeMessage('still-there')
  stillThere(): unknown {
    return { event: 'yes' };
  }
}

/** The answer to one message; the connection has to survive it. */
async function answerTo(message: { event: string; data?: unknown }, installation: Installation, spec: AppSpec = {}) {
  const app = await startGateways([Enhanced], spec, installation);
  const client = await app.connect('/enhanced');
  await client.send(message);
  const answer = await client.nextJson();
  await client.send({ event: 'still-there' });
  return { answer, log: app.logs.problems, next: await client.nextJson() };
}

function exception(message: string, event: string, data?: unknown): object {
  return { event: 'exception', data: { status: 'error', message, cause: { pattern: event, data } } };
}

describe.each(BOTH)('a message handler on $name', (installation) => {
  describeNest('gatewayExceptions', () => {
    it.each([
      ['a WsException with its text', 'ws-exception', exception('not like this', 'ws-exception')],
      ['a WsException with its object', 'ws-exception-object', { event: 'exception', data: { code: 7, why: 'so' } }],
      [
        'the usual where its filter is for something else',
        'not-filtered',
        exception('for another filter', 'not-filtered'),
      ],
    ])('answers %s', async (_what, event, expected) => {
      const { answer, next } = await answerTo({ event }, installation);
      expect([answer, next]).toEqual([expected, { event: 'yes' }]);
    });

    it.each(['error', 'http-exception'])('tells nothing about an unknown exception (%s)', async (event) => {
      const { answer, next } = await answerTo({ event }, installation);
      expect([answer, next]).toEqual([exception('Internal server error', event), { event: 'yes' }]);
    });

    it('answers the error of an Observable after its items', async () => {
      const app = await startGateways([Enhanced], {}, installation);
      const client = await app.connect('/enhanced');
      await client.send({ event: 'observable-error' });
      expect([await client.nextJson(), await client.nextJson()]).toEqual([
        { event: 'first' },
        exception('then no more', 'observable-error'),
      ]);
    });

    it('goes on after a filter that fails', async () => {
      const app = await startGateways([Enhanced], {}, installation);
      const client = await app.connect('/enhanced');
      await client.send({ event: 'falling' });
      await client.send({ event: 'still-there' });
      const answers = [await client.nextJson()];
      // The stock adapter lets the client wait; here it hears of a fault, in a form that it knows.
      if (installation.gateways) answers.push(await client.nextJson());
      expect(answers).toContainEqual({ event: 'yes' });
      if (installation.gateways) {
        const told = { event: 'exception', data: { status: 'error', message: 'Internal server error' } };
        expect(answers).toContainEqual(told);
      }
      expect(JSON.stringify(answers)).not.toContain('a filter that fails');
      expect(app.logs.at('error').join('\n')).toContain('a filter that fails');
    });

    it.each([
      [
        'what it cannot turn',
        { event: 'number', data: { n: 'x' } },
        exception('Internal server error', 'number', { n: 'x' }),
      ],
      [
        'an object that is invalid',
        { event: 'validated', data: { text: 1 } },
        exception('invalid', 'validated', { text: 1 }),
      ],
    ])('has a pipe that refuses %s', async (_what, message, expected) => {
      expect((await answerTo(message, installation)).answer).toEqual(expected);
    });

    it('has a guard that sees the message', async () => {
      const refused = await answerTo({ event: 'guarded', data: { text: 'now' } }, installation);
      expect(refused.answer).toEqual(exception('Forbidden resource', 'guarded', { text: 'now' }));
    });
  });

  it('answers what its filter makes of an error', async () => {
    const { answer, next } = await answerTo({ event: 'filtered' }, installation);
    expect([answer, next]).toEqual([{ event: 'filtered' }, { event: 'yes' }]);
  });

  it.each([
    ['turns what comes', { event: 'number', data: { n: '41' } }, { event: 'number', data: 42 }],
    ['makes an object of its class', { event: 'validated', data: { text: 'hi' } }, { event: 'valid', data: 'hi' }],
  ])('has a pipe that %s', async (_what, message, expected) => {
    expect((await answerTo(message, installation)).answer).toEqual(expected);
  });

  it.each([
    ['a guard', { event: 'guarded', data: { text: 'now' } }],
    ['a pipe', { event: 'number', data: { n: 'x' } }],
  ])('handles no message that %s refused, and the next one all the same', async (_what, refused) => {
    const app = await startGateways([Enhanced], {}, installation);
    const client = await app.connect('/enhanced');
    await client.send(refused);
    await client.send({ event: 'still-there' });
    const events = [(await client.nextJson<{ event: string }>()).event];
    if (nestHas('gatewayExceptions')) events.push((await client.nextJson<{ event: string }>()).event);
    expect(events.toSorted()).toEqual([...(nestHas('gatewayExceptions') ? ['exception'] : []), 'yes']);
  });

  it('has a guard that lets the message through', async () => {
    const served = await answerTo({ event: 'guarded', data: { text: 'please' } }, installation);
    expect(served.answer).toEqual({ event: 'served' });
  });

  it('has an interceptor that changes the reply', async () => {
    expect((await answerTo({ event: 'loud' }, installation)).answer).toEqual({ event: 'loud', data: 'HEY' });
  });

  describeNest('gatewayGlobals', () => {
    it('has the global guards and interceptors of the application', async () => {
      const seen: string[] = [];
      @Injectable()
      class Watching implements CanActivate, NestInterceptor {
        canActivate(context: ExecutionContext): boolean {
          seen.push(`guard ${context.getType()} ${context.getHandler().name}`);
          return true;
        }
        intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
          seen.push(`interceptor ${context.getType()} ${context.getClass().name}`);
          return next.handle();
        }
      }
      const providers = [
        { provide: APP_GUARD, useClass: Watching },
        { provide: APP_INTERCEPTOR, useClass: Watching },
      ];
      await answerTo({ event: 'still-there' }, installation, { providers });
      expect(seen.slice(0, 2)).toEqual(['guard ws stillThere', 'interceptor ws Enhanced']);
    });
  });
});

// The stock adapter of Nest 10 and 11 handles no message of that client after it.
it('a message handler on ours goes on after a filter that fails', async () => {
  const app = await startGateways([Enhanced]);
  const client = await app.connect('/enhanced');
  await client.send({ event: 'falling' });
  await client.send({ event: 'still-there' });
  const answers = [await client.nextJson(), await client.nextJson()];
  expect(answers).toContainEqual({ event: 'yes' });
  expect(JSON.stringify(answers)).not.toContain('a filter that fails');
  expect(app.logs.at('error').join('\n')).toContain('a filter that fails');
});
