import type { Server } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Param,
  Scope,
  UseGuards,
  type CanActivate,
  type INestApplication,
  type NestApplicationOptions,
} from '@nestjs/common';
import { NestFactory, REQUEST, SerializedGraph } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { LogRecorder } from '../../support/log-recorder.js';
import { describeNest } from '../../support/nest-features.js';
import { afterTest, platform, rootModule, StartedApp, type AppSpec } from '../../support/start-app.js';

/** Boots an application with options of Nest itself. */
async function startWith(spec: AppSpec, options: NestApplicationOptions): Promise<StartedApp> {
  const logs = new LogRecorder();
  const settings = { logger: logs, abortOnError: false, ...options };
  const app =
    platform === 'fastify'
      ? await NestFactory.create<INestApplication<Server>>(rootModule(spec), new FastifyAdapter(), settings)
      : await NestFactory.create<INestApplication<Server>>(rootModule(spec), settings);
  afterTest(() => app.close());
  return new StartedApp(app, logs);
}

@WsEndpoint({ path: 'rooms/:room', serializer: 'json' })
class Room {
  @OnEstablish()
  enter(@Param('room') _room: string): void {}

  @OnMessage('say')
  say(): string {
    return 'said';
  }

  @OnMessage()
  any(): string {
    return 'any';
  }

  @OnMessage({ binary: true })
  bytes(): void {}

  @OnFinish()
  leave(): void {}
}

describe('the graph for devtools', () => {
  it('has the methods of an endpoint as entry points of its class', async () => {
    const app = await startWith({ endpoints: [Room] }, { snapshot: true });
    await app.app.init();
    const { nodes, entrypoints } = app.app.get(SerializedGraph).toJSON();
    const [id, node] = Object.entries(nodes).find(([, { label }]) => label === 'Room') ?? [];
    expect(node).toMatchObject({ metadata: { type: 'provider' } });
    const shared = { type: 'websocket', className: 'Room', classNodeId: id };
    const entry = (methodName: string, key: string) => ({
      ...shared,
      id: `${String(id)}_${methodName}`,
      methodName,
      metadata: { key, path: '/ws/rooms/:room', message: key },
    });
    expect(entrypoints[String(id)]).toEqual([
      entry('enter', 'establish'),
      entry('any', 'message'),
      entry('bytes', 'binary'),
      entry('say', 'say'),
      entry('leave', 'finish'),
    ]);
  });
});

describe('preview mode', () => {
  it('makes no endpoint and opens nothing', async () => {
    let made = 0;
    @WsEndpoint('probe')
    class Probe {
      constructor() {
        made++;
      }
    }
    const app = await startWith({ endpoints: [Probe] }, { preview: true, snapshot: true });
    await app.app.init();
    const { nodes } = app.app.get(SerializedGraph).toJSON();
    expect(Object.values(nodes).map(({ label }) => label)).toContain('Probe');
    expect(made).toBe(0);
    expect(app.app.getHttpServer().listenerCount('upgrade')).toBe(0);
  });
});

describeNest(
  'instrument',
  () => {
    const called: string[] = [];

    /** Wraps an instance as tracing tools do. */
    function traced<T>(instance: T): T {
      if (typeof instance !== 'object' || instance === null) return instance;
      const { name } = instance.constructor;
      if (!['Visits', 'Visit', 'Room', 'Open'].includes(name)) return instance;
      return new Proxy(instance, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function' || key === 'constructor') return value;
          return (...args: unknown[]) => {
            called.push(`${name}.${String(key)}`);
            return Reflect.apply(value, target, args) as unknown;
          };
        },
      });
    }

    @Injectable()
    class Open implements CanActivate {
      canActivate(): boolean {
        return true;
      }
    }

    @Injectable({ scope: Scope.REQUEST })
    class Visit {
      constructor(@Inject(REQUEST) private readonly context: { readonly params: Record<string, unknown> }) {}

      who(): unknown {
        return this.context.params['who'];
      }
    }

    @UseGuards(Open)
    @WsEndpoint({ path: 'visits/:who', serializer: 'json' })
    class Visits {
      constructor(private readonly visit: Visit) {}

      @OnEstablish()
      enter(): void {}

      @OnMessage('say')
      say(): unknown {
        return this.visit.who();
      }
    }

    it.each<[string, string, unknown, string[]]>([
      ['a singleton', '/ws/rooms/7', 'said', ['Room.enter', 'Room.say']],
      [
        'request scope',
        '/ws/visits/alice',
        'alice',
        ['Open.canActivate', 'Visits.enter', 'Open.canActivate', 'Visits.say', 'Visit.who'],
      ],
    ])('sees the calls of an endpoint of %s', async (_what, path, data, calls) => {
      called.length = 0;
      const app = await startWith(
        { endpoints: [Room, Visits], providers: [Visit] },
        { instrument: { instanceDecorator: traced } },
      );
      const client = await app.connect(path);
      void client.send({ event: 'say' });
      expect(await client.nextJson()).toEqual({ event: 'say', data });
      expect(called.filter((call) => !/\.(on|before)[A-Z]|then$/.test(call))).toEqual(calls);
      expect(app.logs.at('error')).toEqual([]);
    });
  },
  'the calls of an application',
);
