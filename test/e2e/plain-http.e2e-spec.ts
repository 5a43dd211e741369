import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Param,
  Post,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { OnMessage, WsEndpoint } from '../../src/index.js';
import { NEST } from '../support/nest-version.js';
import { platform, startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

@WsEndpoint('rooms/:room')
class Room {
  @OnMessage()
  answer(): string {
    return 'heard';
  }
}

function boot(spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ endpoints: [Room], ...spec });
}

describe('a plain request on the path of an endpoint', () => {
  @Controller('ws/rooms')
  class Rooms {
    @Get('open')
    open(): string {
      return 'an open room';
    }

    @Post(':room')
    book(@Param('room') room: string): string {
      return `${room} is booked`;
    }
  }

  it('goes to the route that the application has for this path and method', async () => {
    const app = await boot({ controllers: [Rooms] });
    expect(await (await app.fetch('/ws/rooms/open')).text()).toBe('an open room');
    expect(await (await app.fetch('/ws/rooms/7', { method: 'POST' })).text()).toBe('7 is booked');
    expect((await app.fetch('/ws/rooms/7')).status).toBe(426);
    expect((await app.fetch('/ws/rooms/7', { method: 'PUT' })).status).toBe(405);
    const client = await app.connect('/ws/rooms/open');
    await client.send('hello');
    expect(await client.next()).toBe('heard');
  });

  it('goes to a route that stands for any path', async () => {
    @Controller()
    class Anything {
      @Get(platform === 'fastify' || NEST === '10' ? '*' : '*path')
      page(): string {
        return 'the page of a web application';
      }
    }
    const app = await boot({ controllers: [Anything] });
    expect(await (await app.fetch('/ws/rooms/1')).text()).toBe('the page of a web application');
    await app.connect('/ws/rooms/1');
  });

  it('goes to middleware of the application that answers it', async () => {
    const app = await boot({
      configure: (created) =>
        created.use((request: { url: string }, response: { end(body: string): void }, next: () => void) =>
          request.url === '/ws/rooms/file' ? response.end('a static file') : next(),
        ),
    });
    expect(await (await app.fetch('/ws/rooms/file')).text()).toBe('a static file');
    expect((await app.fetch('/ws/rooms/1')).status).toBe(426);
  });

  it('is found under the global prefix where endpoints have it', async () => {
    const app = await boot({
      options: { useGlobalPrefix: true },
      configure: (created) => created.setGlobalPrefix('api'),
    });
    expect((await app.fetch('/api/ws/rooms/1')).status).toBe(426);
    expect((await app.fetch('/ws/rooms/1')).status).toBe(404);
    await app.connect('/api/ws/rooms/1');
  });
});

describe('a plain request on any other path', () => {
  it('has the answer it has without this library', async () => {
    const [app, bare] = [await boot(), await startApp({ options: false })];
    const paths = ['/', '/nowhere', '/ws', '/ws/', '/ws/rooms', '/ws/rooms/1/2', '/WS/rooms/1', '/ws/rooms/%zz'];
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS']) {
        const [answer, expected] = [await app.fetch(path, { method }), await bare.fetch(path, { method })];
        expect([path, answer.status, await answer.text()]).toEqual([path, expected.status, await expected.text()]);
      }
    }
  });

  it('meets the guards and filters of the application alone', async () => {
    @Catch()
    class Everything implements ExceptionFilter {
      catch(_error: unknown, host: ArgumentsHost): void {
        const { httpAdapter } = started.app.get(HttpAdapterHost);
        httpAdapter.reply(host.switchToHttp().getResponse(), 'my own 404', 404);
      }
    }
    class Never implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }
    const started: StartedApp = await boot({
      configure: (app) => app.useGlobalFilters(new Everything()).useGlobalGuards(new Never()),
    });
    expect(await (await started.fetch('/nowhere')).text()).toBe('my own 404');
    expect((await started.fetch('/ws/rooms/1')).status).toBe(426);
  });
});
