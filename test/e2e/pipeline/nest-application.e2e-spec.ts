import type { Server } from 'node:http';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  RequestMethod,
  ValidationPipe,
  VERSION_NEUTRAL,
  VersioningType,
  type CanActivate,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Server as MicroserviceServer, type CustomTransportStrategy } from '@nestjs/microservices';
import { IsString } from 'class-validator';
import { Connection, ConnectionRegistry, OnMessage, WsEndpoint } from '../../../src/index.js';
import { LogRecorder } from '../../support/log-recorder.js';
import { createApp, rootModule, startApp } from '../../support/start-app.js';

class Line {
  @IsString()
  text!: string;
}

@WsEndpoint({ path: 'lines', serializer: 'json' })
class Lines {
  @OnMessage('say')
  say(_connection: Connection, message: Line): string {
    return message.text;
  }
}

@Controller()
class Page {
  @Get('page')
  show(): string {
    return 'page';
  }

  @MessagePattern('sum')
  sum(numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0);
  }
}

/** A transport without a network: patterns are called by the test. */
class InMemoryStrategy extends MicroserviceServer implements CustomTransportStrategy {
  listening = false;

  listen(callback: () => void): void {
    this.listening = true;
    callback();
  }

  close(): void {
    this.listening = false;
  }

  on(): void {}

  unwrap<T>(): T {
    return this as unknown as T;
  }

  async call(pattern: string, data: unknown): Promise<unknown> {
    return (await this.getHandlerByPattern(pattern)?.(data)) as unknown;
  }
}

async function saidOn(app: Awaited<ReturnType<typeof startApp>>, path: string): Promise<unknown> {
  const client = await app.connect(path);
  void client.send({ event: 'say', data: { text: 'hello' } });
  return client.nextJson();
}

const SAID = { event: 'say', data: 'hello' };

describe('a hybrid application', () => {
  it.each([true, false])(
    'serves routes, patterns and endpoints with inheritAppConfig: %s',
    async (inheritAppConfig) => {
      const strategy = new InMemoryStrategy();
      let asked = 0;
      const counting: CanActivate = { canActivate: () => ++asked > 0 };
      const app = await startApp({
        endpoints: [Lines],
        controllers: [Page],
        configure: async (nest) => {
          nest.connectMicroservice({ strategy }, { inheritAppConfig });
          nest.useGlobalGuards(counting).useGlobalPipes(new ValidationPipe());
          await nest.startAllMicroservices();
        },
      });
      expect(await saidOn(app, '/ws/lines')).toEqual(SAID);
      expect(asked).toBe(2);
      const client = await app.connect('/ws/lines');
      void client.send({ event: 'say', data: {}, id: 1 });
      expect(await client.nextJson()).toMatchObject({ event: 'error', id: 1, data: { code: 'bad_request' } });
      expect(await (await app.fetch('/page')).text()).toBe('page');
      expect(strategy.listening).toBe(true);
      expect(await strategy.call('sum', [1, 2])).toBeDefined();
      expect(app.logs.problems).toEqual([]);
      await app.app.close();
      expect(strategy.listening).toBe(false);
      expect(await client.closed()).toMatchObject({ code: 1001 });
    },
  );
});

describe('without an HTTP server', () => {
  it('an application context has the registry and serves nothing', async () => {
    const logs = new LogRecorder();
    const context = await NestFactory.createApplicationContext(rootModule({ endpoints: [Lines] }), { logger: logs });
    const registry = context.get(ConnectionRegistry);
    expect([...registry]).toEqual([]);
    expect(registry.broadcast({})).toEqual({ matched: 0, sent: 0, dropped: 0 });
    expect(context.get(Lines)).toBeInstanceOf(Lines);
    await context.close();
    expect(logs.problems).toEqual([]);
  });

  it('a microservice has the registry and serves nothing', async () => {
    const logs = new LogRecorder();
    const strategy = new InMemoryStrategy();
    const microservice = await NestFactory.createMicroservice(rootModule({ endpoints: [Lines], controllers: [Page] }), {
      strategy,
      logger: logs,
    });
    await microservice.listen();
    expect(microservice.get(ConnectionRegistry).size).toBe(0);
    await microservice.close();
    expect(logs.problems).toEqual([]);
  });
});

describe('paths', () => {
  const withPrefix = (nest: INestApplication<Server>): unknown => nest.setGlobalPrefix('api');
  const withVersions = (nest: INestApplication<Server>): unknown => nest.enableVersioning({ type: VersioningType.URI });

  it('stay without the global prefix, as those of stock gateways', async () => {
    const app = await startApp({ endpoints: [Lines], controllers: [Page], configure: withPrefix });
    expect(await saidOn(app, '/ws/lines')).toEqual(SAID);
    await expect(app.connect('/api/ws/lines')).rejects.toMatchObject({ status: 404 });
    expect(await (await app.fetch('/api/page')).text()).toBe('page');
  });

  it('have the global prefix with useGlobalPrefix, also in the URLs of the registry', async () => {
    const app = await startApp({
      endpoints: [Lines],
      options: { useGlobalPrefix: true },
      configure: (nest) => nest.setGlobalPrefix('api', { exclude: [{ path: 'page', method: RequestMethod.GET }] }),
    });
    expect(await saidOn(app, '/api/ws/lines')).toEqual(SAID);
    await expect(app.connect('/ws/lines')).rejects.toMatchObject({ status: 404 });
    expect(app.registry.url(Lines)).toBe(`ws://127.0.0.1:${app.port}/api/ws/lines`);
  });

  class NewLines {
    @OnMessage('say')
    say(): string {
      return 'new';
    }
  }

  // Not sooner: applications of other tests would warn of an endpoint that they do not serve.
  beforeAll(() => void WsEndpoint({ path: 'lines', serializer: 'json', version: '2' })(NewLines));

  it('have the version of the module, or of the endpoint', async () => {
    const app = await startApp({
      endpoints: [Lines, NewLines],
      options: { version: '1', useGlobalPrefix: true },
      configure: (nest) => {
        withPrefix(nest);
        withVersions(nest);
      },
    });
    expect(await saidOn(app, '/api/v1/ws/lines')).toEqual(SAID);
    expect(await saidOn(app, '/api/v2/ws/lines')).toEqual({ event: 'say', data: 'new' });
    await expect(app.connect('/api/ws/lines')).rejects.toMatchObject({ status: 404 });
  });

  it('have each version of a list, and none where it is neutral, as those of controllers', async () => {
    class Versions extends NewLines {}
    WsEndpoint({ path: 'rooms/:room', serializer: 'json', version: ['1', '3', VERSION_NEUTRAL, '3'] })(Versions);
    const app = await startApp({ endpoints: [Versions, NewLines], configure: withVersions });
    for (const path of ['/v1/ws/rooms/1', '/v3/ws/rooms/1', '/ws/rooms/1'])
      expect(await saidOn(app, path)).toEqual({ event: 'say', data: 'new' });
    await expect(app.connect('/v2/ws/rooms/1')).rejects.toMatchObject({ status: 404 });
    expect(app.registry.url(Versions, { room: '1' })).toBe(`ws://127.0.0.1:${app.port}/v1/ws/rooms/1`);
    expect(app.logs.lines.filter(({ text }) => text.includes('Versions'))).toHaveLength(3);
  });

  it.each<[unknown, RegExp]>([
    [[], /Nothing has an empty list as version/],
    [['1', 2], /version/],
    [2, /version/],
  ])('with the version %j are an error at boot', async (version, error) => {
    class Nothing extends NewLines {}
    WsEndpoint({ path: 'nothing', serializer: 'json', version: version as string })(Nothing);
    const { app } = await createApp({ endpoints: [Nothing], configure: withVersions });
    await expect(app.init()).rejects.toThrow(error);
  });

  it.each<[string, string | false, string]>([
    ['another prefix', 'version-', '/version-2/ws/lines'],
    ['no prefix', false, '/2/ws/lines'],
  ])('have the version with %s of the application', async (_what, prefix, path) => {
    const app = await startApp({
      endpoints: [NewLines],
      configure: (nest) => nest.enableVersioning({ type: VersioningType.URI, prefix }),
    });
    expect(await saidOn(app, path)).toEqual({ event: 'say', data: 'new' });
  });

  it.each<[string, Parameters<INestApplication['enableVersioning']>[0]]>([
    ['a header', { type: VersioningType.HEADER, header: 'X-Version' }],
    ['the media type', { type: VersioningType.MEDIA_TYPE, key: 'v=' }],
  ])('with a version cannot be told apart by %s, which no browser sends', async (_what, versioning) => {
    const { app } = await createApp({ endpoints: [NewLines] });
    app.enableVersioning(versioning);
    await expect(app.init()).rejects.toThrow(
      /NewLines has version "2", but the application does not tell versions by the path, .*@WsEndpoint\('v2\/chat'\)/,
    );
  });

  it('with a version need URI versioning: the boot says which endpoint and what to call', async () => {
    const { app } = await createApp({
      endpoints: [NewLines],
    });
    await expect(app.init()).rejects.toThrow(/NewLines has version "2".*enableVersioning/);
  });
});

describe('global enhancers', () => {
  it('count when they are set after the modules are made, up to the initialization', async () => {
    const app = await createApp({ endpoints: [Lines] });
    app.app.useGlobalGuards({ canActivate: () => false });
    await app.app.listen(0, '127.0.0.1');
    await expect(app.connect('/ws/lines')).rejects.toMatchObject({ status: 403 });
  });

  it('of a module that is imported are asked, with what the injector gives them', async () => {
    @Injectable()
    class Door {
      open = false;
    }
    @Injectable()
    class DoorGuard implements CanActivate {
      constructor(private readonly door: Door) {}

      canActivate(): boolean {
        return this.door.open;
      }
    }
    const app = await startApp({
      endpoints: [Lines],
      providers: [Door, DoorGuard],
      configure: (nest) => nest.useGlobalGuards(nest.get(DoorGuard)),
    });
    await expect(app.connect('/ws/lines')).rejects.toMatchObject({ status: 403 });
    app.app.get(Door).open = true;
    expect(await saidOn(app, '/ws/lines')).toEqual(SAID);
  });
});
