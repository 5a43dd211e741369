import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import { OnEstablish, OnMessage, RequestContext, WsEndpoint, WsEndpointPart } from '../../../src/index.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

/** What ran, in order. */
let ran: string[];
beforeEach(() => {
  ran = [];
});

/** Stands for what costs: a transaction, a query. */
@Injectable({ scope: Scope.REQUEST })
class Visit {
  constructor(@Inject(REQUEST) readonly request: RequestContext) {
    ran.push('build');
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  constructor(readonly visit: Visit) {}

  canActivate(host: ExecutionContext): boolean {
    return answer('scoped', host);
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientGuard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    return answer('transient', host);
  }
}

/** The query names the guard that says no. */
function answer(name: string, host: ExecutionContext): boolean {
  ran.push(`${name} ${host.getType()}`);
  return host.switchToHttp().getRequest<{ query: Record<string, unknown> }>().query['no'] !== name;
}

/** A singleton. */
function guard(name: string): Type<CanActivate> {
  @Injectable()
  class Guard implements CanActivate {
    canActivate(host: ExecutionContext): boolean {
      return answer(name, host);
    }
  }
  return Guard;
}

const ClassGuard = guard('class');
const appGuard: Provider = { provide: APP_GUARD, useClass: guard('app') };

class Room {
  constructor(readonly visit: Visit) {}

  @UseGuards(guard('method'))
  @OnEstablish()
  enter(): void {
    ran.push('enter');
  }

  @OnMessage()
  say(): string {
    return 'said';
  }
}

function start(endpoints: Type[], ...providers: Provider[]): Promise<StartedApp> {
  return startApp({ endpoints, providers: [Visit, ...providers] });
}

function refused(app: StartedApp, no: string): Promise<unknown> {
  return app.connect('/ws/room', { query: { no } }).catch((error: unknown) => error);
}

describe('guards that are singletons', () => {
  @UseGuards(ClassGuard)
  @WsEndpoint('room')
  class Guarded extends Room {
    constructor(@Inject(Visit) visit: Visit) {
      super(visit);
    }
  }

  it.each([
    ['app', ['app http']],
    ['class', ['app http', 'class http']],
    ['method', ['app http', 'class http', 'method http']],
  ])('refuse before anything of request scope is built: %s', async (name, expected) => {
    const app = await start([Guarded], appGuard);
    expect(await refused(app, name)).toMatchObject({ status: 403 });
    expect(ran).toEqual(expected);
  });

  it('are asked once in a handshake, and for messages as ever', async () => {
    const app = await start([Guarded], appGuard);
    const client = await app.connect('/ws/room');
    expect(ran).toEqual(['app http', 'class http', 'method http', 'build', 'enter']);
    void client.send('hello');
    expect(await client.next()).toBe('said');
    expect(ran.slice(5)).toEqual(['app ws', 'class ws']);
  });

  it('build nothing for an endpoint with a part of request scope either', async () => {
    @UseGuards(ClassGuard)
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Plain {
      @OnEstablish()
      enter(): void {
        ran.push('enter');
      }
    }
    @UseGuards(guard('part'))
    @WsEndpointPart(Plain)
    class Chat {
      constructor(@Inject(Visit) readonly visit: Visit) {}

      @OnMessage('say')
      say(): void {}
    }
    const app = await start([Plain, Chat]);
    expect(await refused(app, 'class')).toMatchObject({ status: 403 });
    expect(ran).toEqual(['class http']);
    ran = [];
    await app.connect('/ws/room');
    expect(ran).toEqual(['class http', 'build', 'part http', 'enter']);
  });

  it('find the providers of their connection by its request', async () => {
    @Injectable()
    class Looking implements CanActivate {
      constructor(private readonly moduleRef: ModuleRef) {}

      async canActivate(host: ExecutionContext): Promise<boolean> {
        const id = ContextIdFactory.getByRequest(host.switchToHttp().getRequest<RequestContext>());
        return (await this.moduleRef.resolve(Visit, id, { strict: false })).request.path === '/ws/room';
      }
    }
    @UseGuards(Looking)
    @WsEndpoint('room')
    class Looked extends Room {
      constructor(@Inject(Visit) visit: Visit) {
        super(visit);
      }
    }
    const app = await start([Looked]);
    await app.connect('/ws/room');
    expect(ran).toEqual(['build', 'method http', 'enter']);
  });
});

describe('no guard overtakes another', () => {
  it.each<[string, Type<CanActivate>]>([
    ['of request scope', ScopedGuard],
    ['that is transient', TransientGuard],
  ])('a singleton behind one %s waits for it', async (_what, Other) => {
    @UseGuards(ClassGuard, Other, guard('behind'))
    @WsEndpoint('room')
    class Guarded extends Room {
      constructor(@Inject(Visit) visit: Visit) {
        super(visit);
      }
    }
    const app = await start([Guarded]);
    const name = Other === ScopedGuard ? 'scoped' : 'transient';
    await app.connect('/ws/room');
    expect(ran).toEqual(['class http', 'build', `${name} http`, 'behind http', 'method http', 'enter']);
    ran = [];
    expect(await refused(app, 'class')).toMatchObject({ status: 403 });
    expect(ran).toEqual(['class http']);
    ran = [];
    expect(await refused(app, name)).toMatchObject({ status: 403 });
    expect(ran).toEqual(['class http', 'build', `${name} http`]);
  });

  it('nor one of the application of request scope', async () => {
    @UseGuards(ClassGuard)
    @WsEndpoint('room')
    class Guarded extends Room {
      constructor(@Inject(Visit) visit: Visit) {
        super(visit);
      }
    }
    const app = await start([Guarded], appGuard, { provide: APP_GUARD, useClass: ScopedGuard, scope: Scope.REQUEST });
    expect(await refused(app, 'class')).toMatchObject({ status: 403 });
    expect(ran).toEqual(['app http', 'build', 'scoped http', 'class http']);
  });
});

describe('exception filters of request scope', () => {
  @Catch()
  @Injectable({ scope: Scope.REQUEST })
  class VisitFilter implements ExceptionFilter {
    constructor(private readonly visit: Visit) {}

    catch(_error: unknown, host: ArgumentsHost): void {
      const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: string): void } }>();
      response.status(418).send(this.visit.request.path);
    }
  }

  @WsEndpoint('room')
  class Guarded extends Room {
    constructor(@Inject(Visit) visit: Visit) {
      super(visit);
    }
  }

  @UseFilters(VisitFilter)
  @WsEndpoint('room')
  class Filtered extends Guarded {}

  it.each<[string, Type, Provider[]]>([
    ['of the class', Filtered, []],
    ['of the application', Guarded, [{ provide: APP_FILTER, useClass: VisitFilter, scope: Scope.REQUEST }]],
  ])('%s are whole when they answer what a singleton throws', async (_where, endpoint, providers) => {
    const app = await start([endpoint], appGuard, ...providers);
    expect(await refused(app, 'app')).toMatchObject({ status: 418, body: '/ws/room' });
    expect(ran).toEqual(['app http', 'build']);
  });

  it('are whole when they answer what a hook throws', async () => {
    @UseFilters(VisitFilter)
    @WsEndpoint({
      path: 'room',
      handshake: () => {
        throw new Error('secret');
      },
    })
    class Hooked extends Guarded {}
    const app = await start([Hooked]);
    expect(await refused(app, '')).toMatchObject({ status: 418, body: '/ws/room' });
  });

  it('leave it to the default answer when they cannot be built', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Failing {
      constructor() {
        ran.push('fail');
        throw new Error('secret');
      }
    }
    @UseFilters(VisitFilter)
    @WsEndpoint('room')
    class Broken extends Guarded {
      @Inject(Failing) readonly failing!: Failing;
    }
    const app = await start([Broken], appGuard, Failing);
    expect(await refused(app, 'app')).toMatchObject({ status: 403 });
    expect(app.logs.at('error').join()).toContain('secret');
    expect(await refused(app, '')).toMatchObject({ status: 500, body: expect.not.stringContaining('secret') });
    expect(ran.filter((what) => what === 'fail')).toHaveLength(2);
  });
});
