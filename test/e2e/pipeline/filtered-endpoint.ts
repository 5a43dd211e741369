import {
  type ArgumentsHost,
  Catch,
  ConflictException,
  UseFilters,
  type ExceptionFilter,
  type Type,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { Connection, OnMessage, WsEndpoint } from '../../../src/index.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

export type Catching = (exception: unknown, host: ArgumentsHost) => unknown;

/** A filter for everything, made of a function. */
export function filter(catching: Catching): ExceptionFilter {
  @Catch()
  class Filter implements ExceptionFilter {
    catch(exception: unknown, host: ArgumentsHost): unknown {
      return catching(exception, host);
    }
  }
  return new Filter();
}

/** Boots an endpoint that fails unless it is told `ok`, with filters on the method. */
export function filteredBy(
  filters: (ExceptionFilter | Type<ExceptionFilter>)[],
  rest: AppSpec = {},
): Promise<StartedApp> {
  @WsEndpoint({ path: 'probe', serializer: 'json' })
  class Probe {
    @UseFilters(...filters)
    @OnMessage('do')
    do(_connection: Connection, data: unknown): string {
      if (data === 'ok') return 'done';
      throw data === 'ws' ? new WsException('no') : new ConflictException('taken');
    }
  }
  return startApp({ ...rest, endpoints: [Probe] });
}

/** Everything a failing message is answered with, up to the answer of the next message. */
export async function repliesTo(app: StartedApp, data: unknown = 'fail'): Promise<unknown[]> {
  const client = await app.connect('/ws/probe');
  void client.send({ event: 'do', data, id: 1 });
  void client.send({ event: 'do', data: 'ok', id: 'last' });
  const replies: unknown[] = [];
  for (;;) {
    const reply = await client.nextJson();
    if (Object(reply).id === 'last') return replies;
    replies.push(reply);
  }
}

/** What `fail` is answered with where no filter answers. */
export const DEFAULT = { event: 'error', id: 1, data: { code: 'conflict', message: 'taken' } };
