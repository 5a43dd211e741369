import type { Server } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { map, throwError } from 'rxjs';
import { Connection, OnMessage, WsEndpoint } from '../../../src/index.js';
import { LogRecorder } from '../../support/log-recorder.js';
import { afterTest, platform, rootModule, StartedApp, type AppSpec } from '../../support/start-app.js';

@Injectable()
class Closed implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class Failing implements NestInterceptor {
  intercept() {
    return throwError(() => new Error('the real interceptor'));
  }
}

@Injectable()
class Refusing implements PipeTransform {
  transform(): never {
    throw new Error('the real pipe');
  }
}

@Catch()
class Silent implements ExceptionFilter {
  catch(): void {}
}

@Injectable()
class Words {
  readonly greeting: string = 'hello';
}

@UseGuards(Closed)
@UseInterceptors(Failing)
@UsePipes(Refusing)
@UseFilters(Silent)
@WsEndpoint({ path: 'probe', serializer: 'json' })
class Guarded {
  constructor(private readonly words: Words) {}

  @OnMessage('greet')
  greet(_connection: Connection, name: string): string {
    if (name === '') throw new Error('nobody');
    return `${this.words.greeting} ${name}`;
  }
}

/** Boots a testing module on the platform of this run. */
async function startTesting(
  spec: AppSpec,
  override: (builder: TestingModuleBuilder) => TestingModuleBuilder,
): Promise<StartedApp> {
  const logs = new LogRecorder();
  const module = await override(Test.createTestingModule({ imports: [rootModule(spec)] }))
    .setLogger(logs)
    .compile();
  const app: INestApplication<Server> =
    platform === 'fastify' ? module.createNestApplication(new FastifyAdapter()) : module.createNestApplication();
  afterTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  return new StartedApp(app, logs);
}

describe('a testing module', () => {
  const spec: AppSpec = { endpoints: [Guarded], providers: [Words] };

  it('serves endpoints', async () => {
    const app = await startTesting(spec, (builder) => builder);
    await expect(app.connect('/ws/probe')).rejects.toMatchObject({ status: 403 });
  });

  it('overrides guards, interceptors, pipes, filters and providers of an endpoint', async () => {
    const app = await startTesting(spec, (builder) =>
      builder
        .overrideGuard(Closed)
        .useValue({ canActivate: () => true })
        .overrideInterceptor(Failing)
        .useValue({
          intercept: (_context: unknown, next: CallHandler) => next.handle().pipe(map((value) => `${String(value)}!`)),
        })
        .overridePipe(Refusing)
        .useValue({ transform: (value: string) => value.trim() })
        .overrideFilter(Silent)
        .useValue({ catch: (error: Error) => error.message })
        .overrideProvider(Words)
        .useValue({ greeting: 'good day' }),
    );
    const client = await app.connect('/ws/probe');
    void client.send({ event: 'greet', data: ' alice ' });
    expect(await client.nextJson()).toEqual({ event: 'greet', data: 'good day alice!' });
    void client.send({ event: 'greet', data: ' ' });
    expect(await client.nextJson()).toEqual({ event: 'greet', data: 'nobody' });
  });

  it('compiles without being started, and the endpoint is a class like any other', async () => {
    const module = await Test.createTestingModule({ imports: [rootModule(spec)] }).compile();
    expect(module.get(Guarded).greet(undefined as unknown as Connection, 'alice')).toBe('hello alice');
    await module.close();
  });
});
