import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Post, Req, StreamableFile } from '@nestjs/common';
import { PlackWsAdapter } from '../../../src/index.js';
import { certificate } from '../../support/certificate.js';
import { Journal } from '../../support/journal.js';
import { asksBeforeUpgrade } from '../../support/node-features.js';
import { upgradeRequest } from '../../support/raw-http.js';
import { RawPeer } from '../../support/raw-peer.js';
import { afterTest, type AppSpec, type StartedApp } from '../../support/start-app.js';
import { borrowServer, startOurs } from './start-ours.js';

const asked = new Journal();

@Controller()
class Pages {
  @Get('page')
  page(): string {
    return 'a page';
  }

  @Get('long')
  long(): StreamableFile {
    return new StreamableFile(Readable.from(Array.from({ length: 3 }, () => Buffer.alloc(90_000, 'a'))));
  }

  @Get('endless')
  endless(@Req() request: IncomingMessage): Promise<void> {
    asked.add(request.url ?? '');
    return new Promise(() => undefined);
  }

  @Get('late')
  late(): Promise<string> {
    return new Promise((resolve) => setTimeout(resolve, 5, 'a late page'));
  }

  @Post('letters')
  letter(@Body() body: unknown): unknown {
    return { received: body };
  }
}

const H2C = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };

function boot(spec: AppSpec = {}): Promise<StartedApp> {
  return startOurs({ controllers: [Pages], ...spec });
}

async function peerOf(server: Server): Promise<RawPeer> {
  const peer = await RawPeer.open((server.address() as AddressInfo).port);
  afterTest(() => peer[Symbol.asyncDispose]());
  return peer;
}

describe('an upgrade to another protocol, as some HTTP clients offer with every request,', () => {
  it('is a plain request when nobody else listens for upgrades', async () => {
    const ours = await boot();
    const peer = await ours.peer();
    expect(await peer.upgrade({ path: '/page', headers: H2C })).toMatchObject({ status: 200, body: 'a page' });
  });

  it('is a plain request on a server of somebody else as well', async () => {
    const ours = await boot();
    const server = await borrowServer();
    ours.app.get(PlackWsAdapter).attach(server);
    const peer = await peerOf(server);
    expect(await peer.upgrade({ path: '/', headers: H2C })).toMatchObject({ body: 'a page of the owner' });
  });

  it('is a plain request over https as well', async () => {
    const ours = await boot({ https: certificate });
    const request = get({ port: ours.port, path: '/page', headers: H2C, rejectUnauthorized: false, agent: false });
    const [response] = await once(request, 'response');
    expect(await text(response)).toBe('a page');
  });

  it('is answered once when two applications share the server', async () => {
    const [ours, second] = [await boot(), await boot({ options: { path: '/second' } })];
    const server = await borrowServer();
    ours.app.get(PlackWsAdapter).attach(server);
    second.app.get(PlackWsAdapter).attach(server);
    const peer = await peerOf(server);
    expect(await peer.upgrade({ path: '/', headers: H2C })).toMatchObject({ body: 'a page of the owner' });
  });

  describe.each([
    ['of known length', { 'Content-Length': '16' }, '{"text":"hello"}'],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, '10\r\n{"text":"hello"}\r\n0\r\n\r\n'],
  ])('with a body %s', (_what, framing, body) => {
    const headers = { ...H2C, ...framing, 'Content-Type': 'application/json' };
    const expected = {
      ...(asksBeforeUpgrade ? { status: 201, body: '{"received":{"text":"hello"}}' } : { status: 426 }),
      headers: { connection: 'close' },
    };

    it('is served with it where Node asks first, and refused elsewhere', async () => {
      const ours = await boot();
      const peer = await ours.peer();
      const extraBytes = Buffer.from(`${body}GET /page HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(await peer.upgrade({ method: 'POST', path: '/letters', headers, extraBytes })).toMatchObject(expected);
      expect(await peer.ended()).toBe('fin');
      expect(peer.unread).toHaveLength(0);
    });

    it('is the same when the body comes later', async () => {
      const ours = await boot();
      const peer = await ours.peer();
      const answered = peer.upgrade({ method: 'POST', path: '/letters', headers });
      await peer.writeByteByByte(body);
      expect(await answered).toMatchObject(expected);
    });
  });

  it('does not keep the application from stopping', async () => {
    const ours = await boot();
    const peer = await ours.peer();
    await peer.upgrade({ path: '/page', headers: H2C });
    await ours.app.close();
    expect(await peer.ended()).toBe('fin');
  });

  describe.each([
    ['with that page', upgradeRequest({ path: '/endless', headers: H2C })],
    ['of ours behind a page', `GET /endless HTTP/1.1\r\nHost: a\r\n\r\n${upgradeRequest({ path: '/ws/echo' })}`],
  ])('one %s', (_what, request) => {
    it.each(['runs', 'stops'])('ends with all connections of the server, while the application %s', async (state) => {
      const ours = await boot();
      const server = ours.app.getHttpServer();
      const peer = await ours.peer();
      await peer.writeRaw(request);
      await asked.next();
      const closed = state === 'stops' ? ours.app.close() : undefined;
      while (closed !== undefined && server.listening) await new Promise((resolve) => setImmediate(resolve));
      server.closeAllConnections();
      expect(await peer.ended()).toBeDefined();
      await closed;
    });
  });

  it('goes to the other listeners when there are some', async () => {
    const ours = await boot({
      configure: (app) =>
        app.getHttpServer().on('upgrade', (request, socket) => {
          if (request.headers.upgrade === 'h2c') socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n');
        }),
    });
    const peer = await ours.peer();
    expect((await peer.upgrade({ path: '/page', headers: H2C })).status).toBe(101);
  });

  it.each([
    ['for another protocol', { path: '/page', headers: H2C }, 426],
    ['for a path of no endpoint', { path: '/nowhere' }, 404],
  ])('is refused behind a late page too when they leave it alone: one %s', async (_what, upgrade, status) => {
    const ours = await boot({
      options: { handshakeTimeoutMs: 40 },
      configure: (app) => app.getHttpServer().on('upgrade', () => undefined),
    });
    const peer = await ours.peer();
    await peer.writeRaw(`GET /late HTTP/1.1\r\nHost: a\r\n\r\n${upgradeRequest(upgrade)}`);
    expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'a late page' });
    expect(await peer.nextAnswer()).toMatchObject({ status });
    expect(await peer.ended()).toBe('fin');
  });

  it('takes nothing from a long page before it, which waits for its client', async () => {
    const ours = await boot({
      options: { handshakeTimeoutMs: 40 },
      configure: (app) => app.getHttpServer().on('upgrade', () => undefined),
    });
    const peer = await ours.peer();
    await peer.writeRaw(`GET /long HTTP/1.1\r\nHost: a\r\n\r\n${upgradeRequest({ path: '/nowhere' })}`);
    expect((await peer.nextAnswer()).body).toHaveLength(270_000);
    expect(await peer.nextAnswer()).toMatchObject({ status: 404 });
  });

  it('stays with a listener that takes it behind a late page', async () => {
    const ours = await boot({
      options: { handshakeTimeoutMs: 40 },
      configure: (app) =>
        app.getHttpServer().on('upgrade', (_request, socket) => {
          setTimeout(() => socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'), 100);
          socket.on('data', () => undefined);
        }),
    });
    const peer = await ours.peer();
    await peer.writeRaw(`GET /late HTTP/1.1\r\nHost: a\r\n\r\n${upgradeRequest({ path: '/page', headers: H2C })}`);
    expect(await peer.nextAnswer()).toMatchObject({ status: 200 });
    expect(await peer.nextAnswer()).toMatchObject({ status: 101 });
  });
});
