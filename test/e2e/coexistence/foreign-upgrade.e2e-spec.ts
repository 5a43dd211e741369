import { once } from 'node:events';
import type { Server } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Post } from '@nestjs/common';
import { PlackWsAdapter } from '../../../src/index.js';
import { certificate } from '../../support/certificate.js';
import { RawPeer } from '../../support/raw-peer.js';
import { afterTest, type AppSpec, type StartedApp } from '../../support/start-app.js';
import { borrowServer, startOurs } from './start-ours.js';

@Controller()
class Pages {
  @Get('page')
  page(): string {
    return 'a page';
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

  it('leaves the connection open for further requests', async () => {
    const ours = await boot();
    const peer = await ours.peer();
    for (let request = 1; request <= 3; request += 1) {
      expect((await peer.upgrade({ path: '/page', headers: H2C })).headers['connection']).toBe('keep-alive');
    }
    expect((await peer.upgrade({ path: '/ws/echo' })).status).toBe(101);
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

  it.each([
    ['of known length', { 'Content-Length': '16' }, '{"text":"hello"}'],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, '10\r\n{"text":"hello"}\r\n0\r\n\r\n'],
  ])('has its body %s', async (_what, framing, body) => {
    const ours = await boot();
    const peer = await ours.peer();
    const answer = await peer.upgrade({
      method: 'POST',
      path: '/letters',
      headers: { ...H2C, ...framing, 'Content-Type': 'application/json' },
      extraBytes: Buffer.from(body),
    });
    expect(answer).toMatchObject({ status: 201, body: '{"received":{"text":"hello"}}' });
  });

  it('has its body also when that comes later', async () => {
    const ours = await boot();
    const peer = await ours.peer();
    const answered = peer.upgrade({
      method: 'POST',
      path: '/letters',
      headers: { ...H2C, 'Content-Length': '16', 'Content-Type': 'application/json' },
    });
    await peer.writeByteByByte('{"text":"later"}');
    expect(await answered).toMatchObject({ status: 201, body: '{"received":{"text":"later"}}' });
  });

  it('does not keep the application from stopping', async () => {
    const ours = await boot();
    const peer = await ours.peer();
    await peer.upgrade({ path: '/page', headers: H2C });
    await ours.app.close();
    expect(await peer.ended()).toBe('fin');
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
});
