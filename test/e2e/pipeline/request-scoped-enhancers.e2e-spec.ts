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
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
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

describe('transient enhancers', () => {
  /** Tells in its answer that its constructor has run. */
  const traces = <T extends object>(Base: Type<T>): Type<T> => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Traced extends (Base as Type<object>) {
      constructor(@Inject('SEEN') readonly seen: string[]) {
        super();
      }
    }
    return Traced as unknown as Type<T>;
  };

  class Sees {
    readonly seen!: readonly string[];
    note(what: string): void {
      (this.seen as string[]).push(what);
    }
  }

  class TransientGuard extends Sees implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      this.note(`guard ${context.getType()}`);
      return !context.switchToHttp().getRequest<{ url: string }>().url.includes('?no');
    }
  }

  class TransientInterceptor extends Sees implements NestInterceptor {
    intercept(_context: unknown, next: CallHandler): Observable<unknown> {
      this.note('interceptor');
      return next.handle();
    }
  }

  class TransientPipe extends Sees implements PipeTransform {
    transform(value: unknown): unknown {
      this.note('pipe');
      return value;
    }
  }

  class TransientFilter extends Sees implements ExceptionFilter {
    catch(_error: unknown, host: ArgumentsHost): unknown {
      this.note(`filter ${host.getType()}`);
      if (host.getType() === 'ws') return 'filtered';
      const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: string): void } }>();
      response.status(418).send('filtered');
      return undefined;
    }
  }

  const [Guard, Interceptor, Pipe] = [traces(TransientGuard), traces(TransientInterceptor), traces(TransientPipe)];
  const Filter = traces(TransientFilter);
  Catch()(Filter);
  const scope = Scope.TRANSIENT;
  const ofApplication: AppSpec['providers'] = [
    { provide: APP_GUARD, useClass: Guard, scope },
    { provide: APP_INTERCEPTOR, useClass: Interceptor, scope },
    { provide: APP_PIPE, useClass: Pipe, scope },
    { provide: APP_FILTER, useClass: Filter, scope },
  ];

  class Failing {
    @OnMessage('do')
    do(_connection: Connection, _data: unknown): never {
      throw new Error('no');
    }
  }

  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  @UsePipes(Pipe)
  @UseFilters(Filter)
  @WsEndpoint({ path: 'probe', serializer: 'json' })
  class Enhanced extends Failing {}

  @WsEndpoint({ path: 'probe', serializer: 'json' })
  class Plain extends Failing {}

  @WsEndpoint({ path: 'probe', serializer: 'json', scope: Scope.REQUEST })
  class Scoped extends Failing {}

  it.each<[string, Type, AppSpec['providers']]>([
    ['of the class, on a singleton', Enhanced, []],
    ['of the application, on a singleton', Plain, ofApplication],
    ['of the application, on an endpoint of request scope', Scoped, ofApplication],
  ])('run whole, in the handshake and on messages: %s', async (_what, endpoint, providers = []) => {
    const seen: string[] = [];
    const app = await startApp({
      endpoints: [endpoint],
      providers: [{ provide: 'SEEN', useValue: seen }, ...providers],
    });
    await expect(app.connect('/ws/probe?no')).rejects.toMatchObject({ status: 418, body: 'filtered' });
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'do' });
    expect(await client.nextJson()).toMatchObject({ data: 'filtered' });
    expect(seen).toEqual(['guard http', 'filter http', 'guard http', 'guard ws', 'interceptor', 'pipe', 'filter ws']);
  });
});
