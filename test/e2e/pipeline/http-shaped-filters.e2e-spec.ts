import { describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  BadRequestException,
  Catch,
  ConflictException,
  Controller,
  Get,
  HttpException,
  type ExceptionFilter,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';

import { DEFAULT, filter, filteredBy, repliesTo } from './filtered-endpoint.js';

interface HttpResponse {
  status(code: number): HttpResponse;
  json?(body: unknown): void;
  send(body: unknown): void;
}

@Catch()
class Responding implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<HttpResponse>();
    const request = host.switchToHttp().getRequest<{ url: string }>();
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    response.status(status).send({ statusCode: status, path: request.url, own: true });
  }
}

@Catch()
class AfterReporting implements ExceptionFilter {
  async catch(exception: unknown, host: ArgumentsHost): Promise<void> {
    await Promise.resolve('reported');
    new Responding().catch(exception, host);
  }
}

@Catch()
class ByAdapter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const http = host.switchToHttp();
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    const path: unknown = httpAdapter.getRequestUrl(http.getRequest());
    httpAdapter.reply(http.getResponse(), { statusCode: status, path, own: true }, status);
  }
}

@Catch()
class Extending extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    super.catch(exception instanceof HttpException ? exception : new BadRequestException(), host);
  }
}

describe('a global filter written for HTTP', () => {
  @Controller('page')
  class Page {
    @Get()
    show(): never {
      throw new ConflictException('taken');
    }
  }

  it.each<[string, Type<ExceptionFilter>]>([
    ['that uses the response', Responding],
    ['that uses the response after an await', AfterReporting],
    ['that replies through the HTTP adapter, as in the documentation', ByAdapter],
    ['that extends BaseExceptionFilter', Extending],
  ])('%s answers routes and handshakes, and leaves messages to the default answer', async (_how, Filter) => {
    const app = await filteredBy([], {
      controllers: [Page],
      providers: [{ provide: APP_FILTER, useClass: Filter }],
      options: {
        login: ({ query }) => {
          if (query['refused'] !== undefined) throw new ConflictException('taken');
          return true;
        },
      },
    });
    const page = await app.fetch('/page');
    expect(page.status).toBe(409);
    const body = (await page.json()) as object;
    const refused = await app.connect('/ws/probe?refused').catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 409 });
    expect(JSON.parse(Object(refused).body)).toEqual({ ...body, ...('path' in body && { path: '/ws/probe?refused' }) });
    expect(await repliesTo(app)).toEqual([DEFAULT]);
  });

  it('that knows about messages answers them', async () => {
    const app = await filteredBy([], {
      configure: (nest) =>
        nest.useGlobalFilters(
          filter((exception, host) => (host.getType() === 'ws' ? 'sorry' : new Responding().catch(exception, host))),
        ),
    });
    expect(await repliesTo(app)).toEqual([{ event: 'do', data: 'sorry', id: 1 }]);
  });
});
