import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, UseGuards, type CanActivate, type INestApplication } from '@nestjs/common';
import { WebSocketServer } from 'ws';
import { OnEstablish, OnMessage, WsEndpoint, type UpgradeFailure } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

class Never implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(message: unknown): unknown {
    return message;
  }
}

@WsEndpoint('rooms/:room')
class Room extends Echo {}

@UseGuards(Never)
@WsEndpoint('guarded')
class Guarded {
  @OnEstablish()
  enter(): void {}
}

let failures: UpgradeFailure[];
beforeEach(() => {
  failures = [];
});

function boot(spec: AppSpec = {}): Promise<StartedApp> {
  const options = { onError: (failure: UpgradeFailure) => void failures.push(failure), ...spec.options };
  return startApp({ endpoints: [Echo, Room, Guarded], ...spec, options });
}

describe('a plain request on the path of an endpoint', () => {
  @Controller()
  class Pages {
    @Get('page')
    page(): string {
      return 'a page';
    }

    @Get('ws/both')
    both(): string {
      return 'a page too';
    }
  }

  it.each(['/ws/echo', '/ws/echo?x=1', '/ws/rooms/5'])(
    'GET %s is answered with 426 and what to upgrade to',
    async (path) => {
      const app = await boot();
      const answer = await app.fetch(path);
      expect(answer.status).toBe(426);
      expect(answer.headers.get('upgrade')).toBe('websocket');
      expect(answer.headers.get('sec-websocket-version')).toBe('13');
      expect(await answer.json()).toMatchObject({ statusCode: 426, error: 'Upgrade Required' });
      expect(failures).toMatchObject([{ error: 'upgrade required', status: 426 }]);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])(
    '%s is answered with 405 and what is allowed',
    async (method) => {
      const app = await boot();
      const answer = await app.fetch('/ws/echo', { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
      expect(failures).toMatchObject([{ error: 'method not allowed', status: 405 }]);
    },
  );

  it('gets the answer of onError', async () => {
    const app = await boot({
      options: { onError: ({ error }) => ({ status: 418, body: error, headers: { 'X-Own': 'y' } }) },
    });
    const answer = await app.fetch('/ws/echo');
    expect([answer.status, await answer.text(), answer.headers.get('x-own')]).toEqual([418, 'upgrade required', 'y']);
  });

  it('leaves the pages of the application alone, also one on the same path', async () => {
    @WsEndpoint('both')
    class Both extends Echo {}
    const app = await boot({ endpoints: [Both], controllers: [Pages] });
    expect(await (await app.fetch('/page')).text()).toBe('a page');
    expect((await app.fetch('/nowhere')).status).toBe(404);
    expect((await app.fetch('/ws')).status).toBe(404);
    expect(await (await app.fetch('/ws/both')).text()).toBe('a page too');
    await app.connect('/ws/both');
  });
});

describe('an upgrade to another protocol', () => {
  @Controller()
  class Page {
    @Get('page')
    page(): string {
      return 'a page';
    }
  }
  const h2c = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };

  it.each([
    ['/page', 200, 'a page'],
    ['/nowhere', 404, expect.stringContaining('Not Found')],
    ['/ws/echo', 426, expect.stringContaining('Upgrade Required')],
  ])('on %s is answered as the plain request it is as well: %i', async (path, status, body) => {
    const app = await boot({ controllers: [Page] });
    const peer = await app.peer();
    expect(await peer.upgrade({ path, headers: h2c })).toMatchObject({ status, body });
  });

  it('is the last request on its connection', async () => {
    const app = await boot({ controllers: [Page] });
    const peer = await app.peer();
    const next = Buffer.from('GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await peer.upgrade({ path: '/page', headers: h2c, extraBytes: next })).toMatchObject({
      status: 200,
      headers: { connection: 'close' },
    });
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread).toHaveLength(0);
  });
});

describe('an upgrade on an unknown path', () => {
  afterEach(() => void jest.useRealTimers());

  interface Seen {
    readonly url: string | undefined;
    readonly socket: Duplex;
  }

  /** Another user of the server's upgrades: serves /other, ignores the rest, and keeps what it saw. */
  function withOther(seen: Journal<Seen>): NonNullable<AppSpec['configure']> {
    return (app: INestApplication<Server>) => {
      const other = new WebSocketServer({ noServer: true });
      app.getHttpServer().on('upgrade', (request, socket, head) => {
        seen.add({ url: request.url, socket });
        if (request.url === '/deciding') socket.on('error', () => undefined);
        if (request.url === '/other') other.handleUpgrade(request, socket, head, (ws) => ws.send('from the other'));
      });
    };
  }

  it('is answered with 404 at once when nobody else listens', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const app = await boot();
    for (const path of ['/ws/nowhere', '/', '/ws', '/ws/echoes', '/ws/ECHO', '/echo', '/ws/rooms/1/2']) {
      const peer = await app.peer();
      expect([path, (await peer.upgrade({ path })).status]).toEqual([path, 404]);
    }
  });

  it('is left to other listeners, which never see an upgrade of ours', async () => {
    const seen = new Journal<Seen>();
    const app = await boot({ configure: withOther(seen) });
    const client = await app.connect('/other');
    expect(await client.next()).toBe('from the other');
    await app.connect('/ws/echo');
    await expect(app.connect('/ws/guarded')).rejects.toMatchObject({ status: 403 });
    expect(seen.entries.map(({ url }) => url)).toEqual(['/other']);
  });

  it('is answered with 404 when no listener has taken it within handshakeTimeoutMs', async () => {
    const seen = new Journal<Seen>();
    const app = await boot({ configure: withOther(seen) });
    const peer = await app.peer();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const answered = peer.upgrade({ path: '/nowhere' });
    const { socket } = await seen.next();
    jest.advanceTimersByTime(9_999);
    // An answer that is on its way would be out after a few turns of the event loop.
    for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve));
    expect(socket).toMatchObject({ bytesWritten: 0, writableEnded: false });
    jest.advanceTimersByTime(1);
    expect((await answered).status).toBe(404);
    expect(failures).toMatchObject([{ error: 'not found', status: 404, context: { url: '/nowhere' } }]);
    expect(await peer.ended()).toBe('fin');
  });

  it('to another protocol, which every listener ignores, is answered with 426 then', async () => {
    const seen = new Journal<Seen>();
    const app = await boot({ configure: withOther(seen) });
    const peer = await app.peer();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const answered = peer.upgrade({ path: '/nowhere', headers: { Upgrade: 'telepathy' } });
    await seen.next();
    jest.advanceTimersByTime(10_000);
    expect((await answered).status).toBe(426);
    expect(await peer.ended()).toBe('fin');
  });

  it('is not touched once a listener was put on its socket, however long that takes to decide', async () => {
    const seen = new Journal<Seen>();
    const app = await boot({ configure: withOther(seen) });
    const peer = await app.peer();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const answered = peer.upgrade({ path: '/deciding' });
    const { socket } = await seen.next();
    jest.advanceTimersByTime(60_000);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    expect((await answered).status).toBe(101);
    socket.end();
    await peer.ended();
    expect(peer.unread).toHaveLength(0);
    expect(failures).toEqual([]);
  });

  it('is not touched when a listener answers in time', async () => {
    const seen = new Journal<Seen>();
    const app = await boot({ configure: withOther(seen) });
    const peer = await app.peer();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const answered = peer.upgrade({ path: '/late' });
    const { socket } = await seen.next();
    jest.advanceTimersByTime(500);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    expect((await answered).status).toBe(101);
    jest.advanceTimersByTime(60_000);
    socket.write('still open');
    socket.end();
    await peer.ended();
    expect(peer.unread.toString()).toBe('still open');
    expect(failures).toEqual([]);
  });
});
