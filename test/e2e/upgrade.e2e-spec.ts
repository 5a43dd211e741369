import { once } from 'node:events';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Param, UseGuards, type CanActivate } from '@nestjs/common';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, type UpgradeFailure } from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import { connect } from '../support/connect.js';
import { Gate } from '../support/journal.js';
import { createApp, startApp, type AppSpec, type StartedApp } from '../support/start-app.js';
import { upgradeRequest, type UpgradeSpec } from '../support/raw-http.js';

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
class Room {
  @OnEstablish()
  enter(_connection: Connection, @Param('room') _room: string): void {}
}

@UseGuards(Never)
@WsEndpoint('guarded')
class Guarded {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint({ path: 'inside', login: () => false })
class Inside {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint({ path: 'broken', handshake: () => null as never })
class Broken {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint({ path: 'slow', handshakeTimeoutMs: 20, handshake: () => new Promise<void>(() => undefined) })
class Slow {
  @OnEstablish()
  enter(): void {}
}

let failures: UpgradeFailure[];
beforeEach(() => {
  failures = [];
});

function boot(spec: AppSpec = {}): Promise<StartedApp> {
  const options = { onError: (failure: UpgradeFailure) => void failures.push(failure), ...spec.options };
  return startApp({ endpoints: [Echo, Room, Guarded, Inside, Broken, Slow], ...spec, options });
}

describe('an upgrade that is refused', () => {
  const version = { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };

  it.each<[string, number, string, UpgradeSpec, Record<string, string>]>([
    ['invalid request', 400, 'a bad key', { path: '/ws/echo', key: 'short' }, {}],
    ['invalid request', 400, 'a bad path encoding', { path: '/ws/rooms/%zz' }, {}],
    [
      'upgrade required',
      426,
      'another version',
      { path: '/ws/echo', headers: { 'Sec-WebSocket-Version': '8' } },
      version,
    ],
    ['method not allowed', 405, 'a POST', { path: '/ws/echo', method: 'POST' }, { Allow: 'GET' }],
    ['unauthorized', 401, 'a login', { path: '/ws/inside' }, {}],
    ['forbidden', 403, 'a guard', { path: '/ws/guarded' }, {}],
    ['forbidden origin', 403, 'its origin', { path: '/ws/echo', headers: { Origin: 'https://evil.example' } }, {}],
    ['not found', 404, 'an unknown path', { path: '/ws/nowhere' }, {}],
    ['handshake timeout', 408, 'a slow hook', { path: '/ws/slow' }, {}],
    ['internal error', 500, 'a hook that decides nothing', { path: '/ws/broken' }, {}],
  ])('as %s has status %i: %s', async (error, status, _what, request, headers) => {
    const app = await boot();
    const peer = await app.peer();
    const answer = await peer.upgrade(request);
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    expect(answer).toMatchObject({
      status,
      headers: { ...lower, 'content-type': expect.stringContaining('application/json') },
    });
    expect(answer.headers['connection']).toContain('close');
    expect(JSON.parse(answer.body)).toMatchObject({ statusCode: status });
    expect(failures).toMatchObject([{ error, status, context: { url: request.path } }]);
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread).toHaveLength(0);
    expect(app.registry.size).toBe(0);
  });

  it('for too many undecided handshakes has status 503 and Retry-After; the next one after a decision passes', async () => {
    const held = new Gate();
    const app = await boot({
      options: {
        limits: { maxPendingHandshakes: 1 },
        handshake: ({ query }) => (query['hold'] === '1' ? held.opened : undefined),
      },
    });
    const peer = await app.peer();
    const answered = peer.upgrade({ path: '/ws/echo?hold=1' });
    await expect(app.connect('/ws/rooms/1?hold=1')).rejects.toMatchObject({
      status: 503,
      headers: expect.objectContaining({ 'retry-after': expect.stringMatching(/^\d+$/) }),
    });
    expect(failures).toMatchObject([{ error: 'too many connections', status: 503 }]);
    held.open();
    expect((await answered).status).toBe(101);
    await app.connect('/ws/rooms/1?hold=1');
  });

  it('before the application is ready has status 503 and Retry-After', async () => {
    const initializing = new Gate();
    const ready = new Gate();
    class SlowStart {
      async onModuleInit(): Promise<void> {
        initializing.open();
        await ready.opened;
      }
    }
    const started = await createApp({
      endpoints: [Echo],
      providers: [SlowStart],
      options: { onError: (failure) => void failures.push(failure) },
    });
    const server = started.app.getHttpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const initialized = started.app.init();
    await initializing.opened;
    expect(started.registry.state).toBe('starting');
    const url = new URL(`http://127.0.0.1:${started.port}`);
    await expect(connect(url, '/ws/echo')).rejects.toMatchObject({
      status: 503,
      headers: expect.objectContaining({ 'retry-after': expect.any(String) }),
    });
    expect(failures).toMatchObject([{ error: 'not accepting', status: 503 }]);
    ready.open();
    await initialized;
    expect(started.registry.state).toBe('accepting');
    await started.connect('/ws/echo');
  });

  it('while the application stops has status 503 and Retry-After', async () => {
    const leaving = new Gate();
    const left = new Gate();
    @WsEndpoint('lingering')
    class Lingering {
      @OnFinish()
      async leave(): Promise<void> {
        leaving.open();
        await left.opened;
      }
    }
    const app = await boot({ endpoints: [Lingering] });
    const peer = await app.peer();
    await app.connect('/ws/lingering');
    const closed = app.app.close();
    await leaving.opened;
    expect(app.registry.state).toBe('draining');
    expect(await peer.upgrade({ path: '/ws/lingering' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    });
    expect(failures).toMatchObject([{ error: 'not accepting', status: 503 }]);
    peer.end();
    left.open();
    await closed;
    expect(app.registry.state).toBe('closed');
  });
});

describe('an upgrade over TLS', () => {
  it('is refused with the same answer, and accepted', async () => {
    const app = await boot({ https: certificate });
    await app.connect('/ws/echo');
    const refused = await app.connect('/ws/inside').catch((error: unknown) => error);
    expect(refused).toMatchObject({
      status: 401,
      headers: expect.objectContaining({ connection: 'close' }),
      body: '{"statusCode":401,"message":"unauthorized","error":"Unauthorized"}',
    });
    await expect(app.connect('/ws/nowhere')).rejects.toMatchObject({ status: 404 });
  });

  it('takes no harm from a client that speaks plain HTTP, or TLS to a plain port', async () => {
    const [secure, plain] = [await boot({ https: certificate }), await boot()];
    const peer = await secure.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/echo' }));
    await peer.ended();
    const crossed = await plain.peer();
    await crossed.writeRaw(Buffer.from('16030100050100000100', 'hex'));
    await crossed.ended();
    for (const app of [secure, plain]) expect((await app.connect('/ws/echo')).state).toBe('open');
  });
});
