import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  Catch,
  ForbiddenException,
  HttpException,
  Param,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { isPlackContext, OnEstablish, WsEndpoint, type UpgradeFailure } from '../../../src/index.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

interface HttpResponse {
  status(code: number): HttpResponse;
  header(name: string, value: string): HttpResponse;
  send(body: unknown): void;
}

/** A filter for everything that answers as a function says. */
function answering(
  answer: (response: HttpResponse, exception: unknown, host: ArgumentsHost) => unknown,
): ExceptionFilter {
  @Catch()
  class Filter implements ExceptionFilter {
    catch(exception: unknown, host: ArgumentsHost): unknown {
      return answer(host.switchToHttp().getResponse(), exception, host);
    }
  }
  return new Filter();
}

/** Boots an endpoint whose guard throws. */
function refusing(exception: unknown, filters: ExceptionFilter[], rest: AppSpec = {}): Promise<StartedApp> {
  @UseGuards({
    canActivate: () => {
      throw exception;
    },
  })
  @UseFilters(...filters)
  @WsEndpoint('probe/:id')
  class Probe {
    @OnEstablish()
    enter(): void {}
  }
  return startApp({ ...rest, endpoints: [Probe] });
}

async function answerOf(app: StartedApp): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  const refused = await app.connect('/ws/probe/1').catch((error: unknown) => error);
  return refused as { status: number; body: string; headers: Record<string, unknown> };
}

const unknownError = new Error('secret');

describe('an exception filter of a handshake', () => {
  let seen: unknown[];
  beforeEach(() => {
    seen = [];
  });

  it('answers in place of the exception, with status, headers and body of its own', async () => {
    const app = await refusing(unknownError, [
      answering((response) => response.status(451).header('X-Own', 'yes').send({ own: true })),
    ]);
    expect(await answerOf(app)).toMatchObject({
      status: 451,
      headers: { 'x-own': 'yes', 'content-type': 'application/json; charset=utf-8' },
      body: '{"own":true}',
    });
    expect(app.logs.problems).toEqual([]);
  });

  it('may take its time', async () => {
    const app = await refusing(unknownError, [
      answering(async (response) => {
        await Promise.resolve();
        response.status(451).send('later');
      }),
    ]);
    expect(await answerOf(app)).toMatchObject({ status: 451, body: 'later' });
  });

  it('sees the request and the exception in an http context of the endpoint', async () => {
    const app = await refusing(unknownError, [
      answering((response, exception, host) => {
        const { params } = host.switchToHttp().getRequest<{ params: { id: string } }>();
        seen.push(exception, host.getType(), params.id, isPlackContext(host));
        response.status(400).send('');
      }),
    ]);
    await answerOf(app);
    expect(seen).toEqual([unknownError, 'http', '1', true]);
  });

  it.each<[string, unknown, number, object]>([
    ['an HttpException', new ForbiddenException('no'), 403, { statusCode: 403, message: 'no', error: 'Forbidden' }],
    [
      'an unknown error',
      unknownError,
      500,
      { statusCode: 500, message: 'internal error', error: 'Internal Server Error' },
    ],
  ])('that does not answer leaves %s to the default answer', async (_what, exception, status, body) => {
    const app = await refusing(exception, [answering(() => undefined)]);
    const answer = await answerOf(app);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual(body);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('in the filter');
      },
    ],
    ['rejects', () => Promise.reject(new Error('in the filter'))],
  ])('that %s leaves the exception to the default answer, and the log says so', async (_how, answer) => {
    const app = await refusing(new ForbiddenException(), [answering(answer)]);
    expect(await answerOf(app)).toMatchObject({ status: 403 });
    expect(app.logs.problems).toEqual([expect.stringContaining('in the filter')]);
  });

  it('of Nest, BaseExceptionFilter, answers as it does for routes', async () => {
    @Catch()
    class Base extends BaseExceptionFilter {}
    const app = await refusing(new HttpException({ own: true }, 418), [], {
      configure: (nest) => nest.useGlobalFilters(new Base(nest.getHttpAdapter())),
    });
    expect(await answerOf(app)).toMatchObject({ status: 418, body: '{"own":true}' });
  });

  it('answers a pipe that refuses', async () => {
    @WsEndpoint('probe/:id')
    class Probe {
      @UseFilters(answering((response) => response.status(422).send('no number')))
      @OnEstablish()
      enter(@Param('id', ParseIntPipe) _id: number): void {}
    }
    const app = await startApp({ endpoints: [Probe] });
    await expect(app.connect('/ws/probe/abc')).rejects.toMatchObject({ status: 422, body: 'no number' });
    await app.connect('/ws/probe/7');
  });

  it('answers a handshake hook that throws', async () => {
    const app = await refusing(unknownError, [answering((response) => response.status(451).send('hook'))], {
      options: {
        handshake: () => {
          throw unknownError;
        },
      },
    });
    expect(await answerOf(app)).toMatchObject({ status: 451, body: 'hook' });
  });

  it('is not asked about facts of the request, such as a foreign origin', async () => {
    const app = await refusing(unknownError, [answering(() => seen.push('asked'))]);
    const refused = app.connect('/ws/probe/1', { origin: 'https://evil.example' });
    await expect(refused).rejects.toMatchObject({ status: 403 });
    expect(seen).toEqual([]);
  });

  it('has answered before onError, which sees its status and the exception', async () => {
    const failures: UpgradeFailure[] = [];
    const app = await refusing(unknownError, [answering((response) => response.status(401).send('filtered'))], {
      options: { onError: (failure) => void failures.push(failure) },
    });
    expect(await answerOf(app)).toMatchObject({ status: 401, body: 'filtered' });
    expect(failures).toMatchObject([{ error: 'unauthorized', status: 401, cause: unknownError }]);
  });
});
