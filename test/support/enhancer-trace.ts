import {
  applyDecorators,
  Catch,
  Injectable,
  Query,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { MessageBody } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { Connection, OnError, OnEstablish, OnFinish, OnMessage, WsEndpoint, WsEndpointPart } from '../../src/index.js';
import { Journal } from './journal.js';
import { startApp, type StartedApp } from './start-app.js';

/** Where an enhancer is bound; `app` is `APP_GUARD` and its like, `part` the class of a part. */
export type Level = 'global' | 'app' | 'class' | 'endpoint' | 'part' | 'method' | 'parameter';
export type Stage = 'handshake' | 'establish' | 'message' | 'finish' | 'error';

/** One exception per level, so that a test chooses which filter is meant. */
const FAULTS: Readonly<Record<Exclude<Level, 'parameter'>, Type<Error>>> = {
  global: class extends Error {},
  app: class extends Error {},
  class: class extends Error {},
  endpoint: class extends Error {},
  part: class extends Error {},
  method: class extends Error {},
};
type FilterLevel = keyof typeof FAULTS;

function throwFault(level: unknown): void {
  const Fault = FAULTS[level as FilterLevel] as Type<Error> | undefined;
  if (Fault !== undefined) throw new Fault('a fault of the test');
}

/** What ran, in order and with its stage, such as `message: guard class`. */
export class EnhancerTrace {
  readonly ran: string[] = [];
  stage: Stage = 'handshake';

  readonly note = (what: string): void => {
    this.ran.push(`${this.stage}: ${what}`);
  };
}

/** Enhancers of one level, of all four kinds, that leave a note and let pass. */
interface EnhancerSet {
  readonly guard: Type<CanActivate>;
  readonly interceptor: Type<NestInterceptor>;
  readonly pipe: Type<PipeTransform>;
  readonly filter: Type<ExceptionFilter>;
}

type Note = (what: string, context?: ExecutionContext) => void;

function enhancersOf(level: Level, note: Note, scope: Scope): EnhancerSet {
  @Injectable({ scope })
  class TracedGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      note(`guard ${level}`, context);
      // The innermost guard has the faults of the handshake, so that no level is left out.
      if (level === 'method' && context.getType() === 'http') {
        const { url } = context.switchToHttp().getRequest<{ url: string }>();
        throwFault(new URLSearchParams(url.split('?')[1]).get('admit'));
      }
      return true;
    }
  }

  @Injectable({ scope })
  class TracedInterceptor implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
      note(`interceptor ${level}`);
      return next.handle();
    }
  }

  @Injectable({ scope })
  class TracedPipe implements PipeTransform {
    transform(value: unknown): unknown {
      note(`pipe ${level}`);
      return value;
    }
  }

  @Catch(...(level === 'parameter' ? [] : [FAULTS[level]]))
  @Injectable({ scope })
  class TracedFilter implements ExceptionFilter {
    catch(_fault: unknown, host: ArgumentsHost): unknown {
      note(`filter ${level}`);
      if (host.getType() === 'ws') return `filtered by ${level}`;
      host.switchToHttp().getResponse<Answer>().status(418).send(`filtered by ${level}`);
      return undefined;
    }
  }

  return { guard: TracedGuard, interceptor: TracedInterceptor, pipe: TracedPipe, filter: TracedFilter };
}

interface Answer {
  status(code: number): { send(body: string): void };
}

function enhancedBy({ guard, interceptor, pipe, filter }: EnhancerSet): ClassDecorator & MethodDecorator {
  return applyDecorators(UseGuards(guard), UseInterceptors(interceptor), UsePipes(pipe), UseFilters(filter));
}

function appProviders({ guard, interceptor, pipe, filter }: EnhancerSet, scope: Scope): Provider[] {
  return [
    { provide: APP_GUARD, useClass: guard, scope },
    { provide: APP_INTERCEPTOR, useClass: interceptor, scope },
    { provide: APP_PIPE, useClass: pipe, scope },
    { provide: APP_FILTER, useClass: filter, scope },
  ];
}

/** A class with every stage, which leaves a note at each and fails where it is asked to. */
function tracedClass(trace: EnhancerTrace, note: Note, scope: Scope): Type {
  const ofMethod = enhancersOf('method', note, scope);
  const ofParameter = enhancersOf('parameter', note, scope);
  // `@OnError` hears of faults at every stage.
  const ofError = enhancersOf('parameter', (what) => trace.ran.push(`error: ${what}`), scope);

  class Traced {
    @enhancedBy(ofMethod)
    @OnEstablish()
    enter(connection: Connection, @Query('enter', ofParameter.pipe) level: unknown): void {
      connection.on('finish', () => (trace.stage = 'finish'));
      trace.note('method');
      throwFault(level);
    }

    @enhancedBy(ofMethod)
    @OnMessage('say')
    say(@MessageBody(ofParameter.pipe) level: unknown): string {
      trace.note('method');
      throwFault(level);
      return 'said';
    }

    @OnMessage('break')
    break(@MessageBody() level: unknown): void {
      trace.stage = 'error';
      throw new Error(String(level));
    }

    @enhancedBy(ofMethod)
    @OnError()
    fail(@MessageBody() { message }: Error, @Query('fail', ofError.pipe) _query: unknown): void {
      trace.note('method');
      throwFault(message);
    }

    @enhancedBy(ofMethod)
    @OnFinish()
    leave(@Query('leave', ofParameter.pipe) level: unknown): void {
      trace.note('method');
      throwFault(level);
    }
  }
  return Traced;
}

/** Boots classes with every kind of enhancer at the levels of the application as well. */
async function startTraced(endpoints: readonly Type[], note: Note, scope: Scope): Promise<StartedApp> {
  const ofAll = enhancersOf('global', note, Scope.DEFAULT);
  return startApp({
    endpoints,
    providers: appProviders(enhancersOf('app', note, scope), scope),
    configure: (app) =>
      app
        .useGlobalGuards(new ofAll.guard())
        .useGlobalInterceptors(new ofAll.interceptor())
        .useGlobalPipes(new ofAll.pipe())
        .useGlobalFilters(new ofAll.filter()),
  });
}

/** An endpoint that has every kind of enhancer at every level, on all of its methods: what ran. */
export async function traceEnhancers(scope: Scope = Scope.DEFAULT): Promise<EnhancerTrace> {
  const trace = new EnhancerTrace();
  const Traced = tracedClass(trace, trace.note, scope);
  enhancedBy(enhancersOf('class', trace.note, scope))(Traced);
  WsEndpoint({ path: 'traced', serializer: 'json' })(Traced);
  const app = await startTraced([Traced], trace.note, scope);
  return lead(trace, app, ['global', 'app', 'class', 'method']);
}

/** A part that has them, of an endpoint that has them on its class. What ran for the endpoint alone is noted as such. */
export async function tracePartEnhancers(scope: Scope = Scope.DEFAULT): Promise<EnhancerTrace> {
  const trace = new EnhancerTrace();
  const note: Note = (what, context) => trace.note(context?.getClass() === Whole ? `${what}, for the endpoint` : what);

  @enhancedBy(enhancersOf('endpoint', note, scope))
  @WsEndpoint({ path: 'traced', serializer: 'json' })
  class Whole {}

  const Traced = tracedClass(trace, note, scope);
  enhancedBy(enhancersOf('part', note, scope))(Traced);
  WsEndpointPart(Whole)(Traced);
  const app = await startTraced([Whole, Traced], note, scope);
  return lead(trace, app, ['global', 'app', 'endpoint', 'part', 'method']);
}

/**
 * Leads connections through every stage, once without a fault and once with a fault for each filter, and gives what ran.
 */
async function lead(trace: EnhancerTrace, app: StartedApp, filters: readonly FilterLevel[]): Promise<EnhancerTrace> {
  const finished = new Journal<unknown>();
  app.registry.on('establish', () => (trace.stage = 'establish'));
  app.registry.on('finish', finished.add);

  for (const level of ['none', ...filters]) {
    const connect = (faulty: string) => {
      trace.stage = 'handshake';
      return app.connect('/ws/traced', { query: { [faulty]: level } });
    };
    await connect('admit').catch((error: unknown) => trace.note(`answered ${String(Object(error).body)}`));
    await (await connect('enter')).close();
    await finished.next();

    const client = await connect('leave');
    trace.stage = 'message';
    void client.send({ event: 'say', data: level });
    trace.note(`answered ${await client.next().then(String)}`);
    void client.send({ event: 'break', data: level });
    await client.next();
    await client.close();
    await finished.next();
  }
  return trace;
}
