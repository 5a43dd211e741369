import { expect, it } from '@jest/globals';
import * as common from '@nestjs/common';
import {
  Body,
  Param,
  Query,
  ValidationPipe,
  createParamDecorator,
  type ExecutionContext,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { z } from 'zod';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { describeNest, nestHas } from '../../support/nest-features.js';
import { bootError, startApp, type StartedApp } from '../../support/start-app.js';

const line = z.object({ text: z.string().max(5) });
const page = z.object({ page: z.coerce.number().int().min(1) });

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

describeNest(
  'schema',
  () => {
    @WsEndpoint('lines')
    class Lines {
      @OnMessage('say')
      say(@MessageBody({ schema: line }) message: z.infer<typeof line>): unknown {
        return message;
      }
    }

    it.each<[string, () => PipeTransform[]]>([
      ['without any pipe', () => []],
      ['beside a global StandardSchemaValidationPipe', () => [new common.StandardSchemaValidationPipe()]],
      ['beside a global ValidationPipe', () => [new ValidationPipe()]],
    ])('on a message is checked %s', async (_how, pipes) => {
      const app = await boot(Lines, ...pipes());
      expect(await answerTo(app, { text: 'hello', more: 'x' })).toEqual({
        event: 'say',
        id: 9,
        data: { text: 'hello' },
      });
      expect(await answerTo(app, { text: 'too long' })).toEqual({
        event: 'error',
        id: 9,
        data: {
          code: 'bad_request',
          message: expect.stringContaining('text: '),
          details: [expect.stringContaining('text: ')],
        },
      });
    });

    it('may be asynchronous', async () => {
      const taken = line.refine(async ({ text }) => text !== 'taken', 'is taken');
      @WsEndpoint('lines')
      class Names {
        @OnMessage('say')
        say(@Body({ schema: taken }) message: unknown): unknown {
          return message;
        }
      }
      const app = await boot(Names);
      expect(await answerTo(app, { text: 'free' })).toMatchObject({ data: { text: 'free' } });
      expect(await answerTo(app, { text: 'taken' })).toMatchObject({ data: { details: ['is taken'] } });
    });

    it('on a custom decorator is checked as well', async () => {
      const Data = createParamDecorator((_data: undefined, context: ExecutionContext) =>
        context.switchToWs().getData<unknown>(),
      );
      @WsEndpoint('lines')
      class Customs {
        @OnMessage('say')
        say(@Data({ schema: line }) message: unknown): unknown {
          return message;
        }
      }
      expect(await answerTo(await boot(Customs), { text: 'too long' })).toMatchObject({
        data: { code: 'bad_request' },
      });
    });

    it('on a query refuses the upgrade with 400', async () => {
      @WsEndpoint('pages')
      class Pages {
        @OnEstablish()
        enter(@Query({ schema: page }) query: z.infer<typeof page>, connection: Connection): void {
          void connection.send(query);
        }
      }
      const app = await boot(Pages);
      expect(await (await app.connect('/ws/pages?page=3')).nextJson()).toEqual({ page: 3 });
      expect(await bodyOf(app.connect('/ws/pages?page=0'))).toEqual({
        status: 400,
        body: { statusCode: 400, error: 'Bad Request', message: [expect.stringContaining('page: ')] },
      });
    });
  },
  'a { schema }',
);

it.each<[string, ParameterDecorator]>([
  ['@MessageBody', MessageBody({ schema: line })],
  ['@Body', Body({ schema: line })],
  ['@Query', Query({ schema: line })],
  ['@Param', Param('text', { schema: line })],
])('a { schema } of %s is never ignored: an older Nest does not start', async (_name, decorator) => {
  @WsEndpoint('lines')
  class Lines {
    @OnMessage('say')
    say(message: unknown): unknown {
      return message;
    }
  }
  decorator(Lines.prototype, 'say', 0);
  const { message } = await bootError({ endpoints: [Lines], options: { serializer: 'json' } });
  expect(message).toBe(
    nestHas('schema')
      ? 'The application has started.'
      : 'Parameter 1 of Lines.say has the option schema, which came with Nest 12: the installed Nest would ignore it, ' +
          'and nothing would be checked. Use a pipe, such as ValidationPipe.',
  );
});
