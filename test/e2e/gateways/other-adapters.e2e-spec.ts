import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway } from '@nestjs/websockets';
import { OnMessage, WsEndpoint } from '../../../src/index.js';
import { bootError, startApp, type AppSpec } from '../../support/start-app.js';

@WsEndpoint('rooms/:room')
class Room {
  @OnMessage()
  echo(): string {
    return 'echo';
  }
}

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(): string {
    return 'echo';
  }
}

function gatewayAt(options: object): Type {
  @WebSocketGateway(options)
  class Chat {}
  return Chat;
}

const stock: AppSpec['configure'] = (app) => app.useWebSocketAdapter(new WsAdapter(app));
const socketIo: AppSpec['configure'] = (app) => app.useWebSocketAdapter(new IoAdapter(app));

describe('gateways: true beside another adapter', () => {
  it.each([
    ['WsAdapter', stock],
    ['IoAdapter', socketIo],
  ])('is an error at boot: %s', async (name, configure) => {
    const error = await bootError({
      providers: [gatewayAt({ path: '/chat' })],
      options: { gateways: true },
      configure,
    });
    expect(error.message).toContain(`gateways: true, but app.useWebSocketAdapter(new ${name}(…))`);
    expect(error.message).toContain('Remove that call, or gateways: true.');
  });
});

describe('a gateway of another adapter', () => {
  it.each([
    ['the path of an endpoint', { path: '/ws/echo' }, 'Echo', '/ws/echo'],
    ['a path written without a slash', { path: 'ws/echo' }, 'Echo', '/ws/echo'],
    ['a path that a pattern takes', { path: '/ws/rooms/chat' }, 'Room', '/ws/rooms/chat'],
  ])('is an error at boot on %s', async (_what, options, endpoint, path) => {
    const error = await bootError({ endpoints: [Room, Echo], providers: [gatewayAt(options)], configure: stock });
    expect(error.message).toContain(`The gateway Chat and the endpoint ${endpoint} have the same path, ${path}:`);
  });

  it('is an error at boot at the root, where an endpoint is', async () => {
    const spec = { endpoints: [Echo], providers: [gatewayAt({})], options: { path: '/' }, configure: stock };
    @WsEndpoint('')
    class Root extends Echo {}
    expect((await bootError({ ...spec, endpoints: [Root] })).message).toContain('have the same path, /:');
    await startApp(spec);
  });

  it.each([
    ['on another path', stock, { path: '/chat' }],
    ['of socket.io, which has a path of its own', socketIo, {}],
  ])('stands beside endpoints %s', async (_what, configure, options) => {
    const app = await startApp({
      endpoints: [Echo],
      providers: [gatewayAt(options)],
      options: { path: '/' },
      configure,
    });
    const client = await app.connect('/echo');
    await client.send('?');
    expect(await client.next()).toBe('echo');
  });
});
