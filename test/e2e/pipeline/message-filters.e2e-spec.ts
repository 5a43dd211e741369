import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  ConflictException,
  HttpException,
  Injectable,
  NotFoundException,
  UseFilters,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';
import { of } from 'rxjs';
import { Connection, OnError, OnMessage, WsEndpoint } from '../../../src/index.js';
import { nestHas } from '../../support/nest-features.js';
import { startApp } from '../../support/start-app.js';
import { DEFAULT, filter, filteredBy, repliesTo, type Catching } from './filtered-endpoint.js';

describe('an exception filter of a message', () => {
  it.each<[string, Catching, unknown[]]>([
    ['returns nothing has handled it, without a reply', () => undefined, []],
    ['resolves to nothing has handled it, without a reply', async () => undefined, []],
    ['returns a value replies with it', () => 'sorry', [{ event: 'do', data: 'sorry', id: 1 }]],
    ['resolves to a value replies with it', async () => 'sorry', [{ event: 'do', data: 'sorry', id: 1 }]],
    ['returns an Observable replies with its value', () => of('sorry'), [{ event: 'do', data: 'sorry', id: 1 }]],
    [
      'returns an event replies with that one',
      () => ({ event: 'sorry', data: 'taken' }),
      [{ event: 'sorry', data: 'taken', id: 1 }],
    ],
    [
      'sends by itself has replied',
      (_exception, host) => void host.switchToWs().getClient<Connection>().send('sorry'),
      ['sorry'],
    ],
    [
      'throws leaves the answer to the default',
      () => {
        throw new Error('in the filter');
      },
      [DEFAULT],
    ],
    ['rejects leaves the answer to the default', () => Promise.reject(new Error('in the filter')), [DEFAULT]],
    [
      'throws the exception on leaves the answer to the default',
      (exception) => {
        throw exception;
      },
      [DEFAULT],
    ],
  ])('that %s', async (_what, catching, replies) => {
    const app = await filteredBy([filter(catching)]);
    expect(await repliesTo(app)).toEqual(replies);
  });

  it('sees the connection, the data and the event', async () => {
    const app = await filteredBy([
      filter((exception, host) => {
        const ws = host.switchToWs();
        const client = ws.getClient<unknown>();
        return [host.getType(), client instanceof Connection, ws.getData(), ws.getPattern(), String(exception)];
      }),
    ]);
    expect(await repliesTo(app, 'data')).toMatchObject([
      { data: ['ws', true, 'data', 'do', 'ConflictException: taken'] },
    ]);
  });

  it('of Nest, BaseWsExceptionFilter, works as with a stock gateway', async () => {
    @Catch()
    class Ws extends BaseWsExceptionFilter {}
    const app = await filteredBy([Ws]);
    const cause = nestHas('exceptionCause') && { cause: { pattern: 'do', data: 'ws' } };
    expect(await repliesTo(app, 'ws')).toEqual([
      { event: 'exception', data: { status: 'error', message: 'no', ...cause } },
    ]);
  });

  it('comes before @OnError, which then hears nothing', async () => {
    let heard = 0;
    @WsEndpoint({ path: 'probe', serializer: 'json' })
    class Probe {
      @UseFilters(filter(() => 'filtered'))
      @OnMessage('do')
      do(_connection: Connection, data: unknown): string {
        if (data === 'ok') return 'done';
        throw new ConflictException();
      }

      @OnError()
      fail(): void {
        heard++;
      }
    }
    expect(await repliesTo(await startApp({ endpoints: [Probe] }))).toEqual([{ event: 'do', data: 'filtered', id: 1 }]);
    expect(heard).toBe(0);
  });

  it('catches only what it says, the nearest one first', async () => {
    @Catch(NotFoundException)
    class Other implements ExceptionFilter {
      catch(): string {
        return 'other';
      }
    }
    @Catch(WsException, HttpException)
    class Both implements ExceptionFilter {
      catch(): string {
        return 'both';
      }
    }
    expect(await repliesTo(await filteredBy([Other]))).toEqual([DEFAULT]);
    expect(await repliesTo(await filteredBy([Other, Both]))).toMatchObject([{ data: 'both' }]);
    expect(
      await repliesTo(await filteredBy([Both], { configure: (app) => app.useGlobalFilters(filter(() => 'global')) })),
    ).toMatchObject([{ data: 'both' }]);
    expect(
      await repliesTo(await filteredBy([Other], { configure: (app) => app.useGlobalFilters(filter(() => 'global')) })),
    ).toMatchObject([{ data: 'global' }]);
  });

  it('is built by the injector when it is a class', async () => {
    @Injectable()
    class Words {
      readonly sorry = 'sorry';
    }
    @Catch()
    class Worded implements ExceptionFilter {
      constructor(private readonly words: Words) {}

      catch(): string {
        return this.words.sorry;
      }
    }
    expect(await repliesTo(await filteredBy([Worded], { providers: [Words] }))).toMatchObject([{ data: 'sorry' }]);
  });
});
