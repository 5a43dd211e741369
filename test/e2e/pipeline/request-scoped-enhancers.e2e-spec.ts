import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { Connection, OnMessage, RequestContext, WsEndpoint } from '../../../src/index.js';
import { startApp, type AppSpec } from '../../support/start-app.js';

let made: object[];

beforeEach(() => {
  made = [];
});

/** One per connection, because it is of request scope. */
@Injectable({ scope: Scope.REQUEST })
class Visit {
  readonly seen: string[] = [];

  constructor(@Inject(REQUEST) readonly context: RequestContext) {
    made.push(this);
  }
}

/** Enhancers of request scope that share the visit of their connection. */
@Injectable({ scope: Scope.REQUEST })
class VisitGuard implements CanActivate {
  constructor(readonly visit: Visit) {
    made.push(this);
  }

  canActivate(): boolean {
    return this.visit.seen.push('guard') > 0;
  }
}

@Injectable({ scope: Scope.REQUEST })
class VisitInterceptor implements NestInterceptor {
  constructor(readonly visit: Visit) {
    made.push(this);
  }

  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    this.visit.seen.push('interceptor');
    return next.handle();
  }
}

@Injectable({ scope: Scope.REQUEST })
class VisitPipe implements PipeTransform {
  constructor(readonly visit: Visit) {
    made.push(this);
  }

  transform(value: unknown, _metadata: ArgumentMetadata): unknown {
    this.visit.seen.push('pipe');
    return value;
  }
}

@Catch()
@Injectable({ scope: Scope.REQUEST })
class VisitFilter implements ExceptionFilter {
  constructor(readonly visit: Visit) {
    made.push(this);
  }

  catch(): readonly string[] {
    return this.visit.seen;
  }
}

describe('request-scoped enhancers', () => {
  it.each<[string, () => { endpoint: Type; providers: AppSpec['providers'] }]>([
    [
      'of a class',
      () => {
        @UseGuards(VisitGuard)
        @UseInterceptors(VisitInterceptor)
        @UsePipes(VisitPipe)
        @UseFilters(VisitFilter)
        @WsEndpoint({ path: 'probe', serializer: 'json' })
        class Probe {
          @OnMessage('do')
          do(_connection: Connection, _data: unknown): never {
            throw new Error('no');
          }
        }
        return { endpoint: Probe, providers: [] };
      },
    ],
    [
      'of the application',
      () => {
        @WsEndpoint({ path: 'probe', serializer: 'json' })
        class Probe {
          @OnMessage('do')
          do(_connection: Connection, _data: unknown): never {
            throw new Error('no');
          }
        }
        const scope = Scope.REQUEST;
        return {
          endpoint: Probe,
          providers: [
            { provide: APP_GUARD, useClass: VisitGuard, scope },
            { provide: APP_INTERCEPTOR, useClass: VisitInterceptor, scope },
            { provide: APP_PIPE, useClass: VisitPipe, scope },
            { provide: APP_FILTER, useClass: VisitFilter, scope },
          ],
        };
      },
    ],
  ])('%s are made once per connection and share its providers', async (_where, make) => {
    const { endpoint, providers = [] } = make();
    const app = await startApp({ endpoints: [endpoint], providers: [Visit, ...providers] });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    void client.send({ event: 'do' });
    await client.next();
    expect(await client.nextJson()).toMatchObject({
      data: ['guard', 'guard', 'interceptor', 'pipe', 'guard', 'interceptor', 'pipe'],
    });
    expect(made.map(({ constructor }) => constructor.name).toSorted()).toEqual([
      'Visit',
      'VisitFilter',
      'VisitGuard',
      'VisitInterceptor',
      'VisitPipe',
    ]);
  });
});
