import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import {
  ConfigurationError,
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import { createApp, startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

@WsEndpoint('echo')
class Echo {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint('rooms/:room{/*rest}')
class Room {
  constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

  @OnEstablish()
  enter(connection: Connection): void {
    void connection.send(this.registry.url(Echo, {}, connection.context));
  }

  @OnMessage()
  here(connection: Connection): string {
    return this.registry.url(Room, { room: 'next' }, connection.context);
  }
}

class NoEndpoint {}

/** Tells a page where the WebSocket is, as the page's own request reached the server. */
@Controller()
class Where {
  constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

  @Get('where')
  where(@Req() request: IncomingMessage): string {
    return this.registry.url(Echo, {}, request);
  }
}

function boot(options: PlackWebSocketModuleOptions = {}, spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ endpoints: [Echo, Room], controllers: [Where], options, ...spec });
}

describe('the URL of an endpoint', () => {
  it('has the address the server listens on', async () => {
    const app = await boot();
    expect(app.registry.url(Echo)).toBe(`ws://127.0.0.1:${app.port}/ws/echo`);
  });

  it('has wss on an https server', async () => {
    const app = await boot({}, { https: certificate });
    expect(app.registry.url(Echo)).toBe(`wss://127.0.0.1:${app.port}/ws/echo`);
  });

  it.each<[Record<string, string>, string]>([
    [{ room: '5' }, '/ws/rooms/5'],
    [{ room: 'a b/ü?#' }, '/ws/rooms/a%20b%2F%C3%BC%3F%23'],
  ])('has its parameters %p, encoded', async (params, path) => {
    const app = await boot();
    const url = app.registry.url(Room, params);
    expect(new URL(url).pathname).toBe(path);
    const client = await app.connect(new URL(url).pathname);
    expect(client.state).toBe('open');
    expect([...app.registry][0]?.params).toEqual(params);
  });

  it('has the path of the module', async () => {
    const app = await boot({ path: '/live/sockets/' });
    expect(new URL(app.registry.url(Echo)).pathname).toBe('/live/sockets/echo');
    await app.connect('/live/sockets/echo');
  });

  it.each<[boolean, string]>([
    [true, '/api/v1/ws/echo'],
    [false, '/ws/echo'],
  ])('has the global prefix of the application with useGlobalPrefix: %p', async (useGlobalPrefix, path) => {
    const app = await boot({ useGlobalPrefix }, { configure: (nest) => nest.setGlobalPrefix('api/v1') });
    expect(new URL(app.registry.url(Echo)).pathname).toBe(path);
    await app.connect(path);
    await expect(app.connect(useGlobalPrefix ? '/ws/echo' : '/api/v1/ws/echo')).rejects.toMatchObject({ status: 404 });
  });

  it('follows the host of the request being answered', async () => {
    const app = await boot();
    const peer = await app.peer();
    for (const host of ['chat.example', 'chat.example:8080', '[::1]:3000', '127.0.0.1']) {
      await peer.writeRaw(`GET /where HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: `ws://${host}/ws/echo` });
    }
  });

  it.each(['evil.example/path', 'user@evil.example', 'a b', '<script>', 'evil.example:port', ''])(
    'is not built from the Host %p',
    async (host) => {
      const app = await boot();
      const peer = await app.peer();
      await peer.writeRaw(`GET /where HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const answer = await peer.nextAnswer();
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain('ws://');
    },
  );

  const forwarded = { 'x-forwarded-host': 'a.example, b.example', 'x-forwarded-proto': 'https, http' };

  it.each<[string, PlackWebSocketModuleOptions, string | undefined]>([
    ['ignores what a proxy says that is not trusted', {}, undefined],
    ['believes a trusted proxy, the last of each list', { trustProxy: 'loopback' }, 'ws://b.example/ws/echo'],
    ['believes the first of each list when all are trusted', { trustProxy: true }, 'wss://a.example/ws/echo'],
  ])('%s', async (_what, options, expected) => {
    const app = await boot(options);
    const answer = await app.fetch('/where', { headers: forwarded });
    expect(await answer.text()).toBe(expected ?? `ws://127.0.0.1:${app.port}/ws/echo`);
  });

  it('is known in handlers, from the context of the connection', async () => {
    const app = await boot({ trustProxy: true });
    const client = await app.connect('/ws/rooms/1', { headers: forwarded });
    expect(await client.next()).toBe('wss://a.example/ws/echo');
    void client.send('where next?');
    expect(await client.next()).toBe('wss://a.example/ws/rooms/next');
  });

  it.each<[string, (registry: ConnectionRegistry) => string, RegExp]>([
    ['a class that is no endpoint', (registry) => registry.url(NoEndpoint), /NoEndpoint is not an endpoint/],
    ['a parameter that is missing', (registry) => registry.url(Room), /Room.*rooms\/:room/s],
  ])('is an error for %s', async (_what, build, message) => {
    const app = await boot();
    expect(() => build(app.registry)).toThrow(ConfigurationError);
    expect(() => build(app.registry)).toThrow(message);
  });

  it('is not known before the application is initialized, or while the server does not listen', async () => {
    const { app, registry } = await createApp({ endpoints: [Echo] });
    expect(() => registry.url(Echo)).toThrow(ConfigurationError);
    expect(() => registry.url(Echo)).toThrow(/before the application is initialized/);
    await app.init();
    expect(() => registry.url(Echo)).toThrow(ConfigurationError);
    await app.listen(0, '127.0.0.1');
    expect(registry.url(Echo)).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/ws\/echo$/);
  });
});
