import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import session from 'express-session';
import type { WebSocket } from 'ws';
import { OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { createApp, type StartedApp } from '../../support/start-app.js';
import { OURS, startGateways } from './start-gateways.js';

@WebSocketGateway({ path: '/chat' })
class Chat implements OnGatewayConnection {
  handleConnection(client: WebSocket, request: IncomingMessage & { user?: { name: string } }): void {
    client.send(JSON.stringify({ event: 'welcome', data: request.user?.name ?? 'stranger' }));
  }

  @SubscribeMessage('say')
  say(@MessageBody() data: unknown): unknown {
    return { event: 'said', data };
  }
}

describe.each(OURS)('a gateway on $name', (installation) => {
  const start = (options: PlackWebSocketModuleOptions): Promise<StartedApp> =>
    startGateways([Chat], { options }, installation);

  it('has the handshake hook, whose user is on the request', async () => {
    const app = await start({
      handshake: (context, response) => {
        if (context.query['key'] !== '1') throw new HttpException({ why: 'no key' }, 403);
        context.user = { name: 'alice' };
        return response.setHeader('X-Node', 'a');
      },
    });
    await expect(app.connect('/chat')).rejects.toMatchObject({ status: 403, body: '{"why":"no key"}' });
    const client = await app.connect('/chat?key=1');
    expect(client.headers['x-node']).toBe('a');
    expect(await client.nextJson()).toEqual({ event: 'welcome', data: 'alice' });
  });

  it('has login, origin and the answer of onError', async () => {
    const app = await start({
      login: ({ query }) => query['in'] === '1',
      onError: ({ error }) => ({ status: 418, body: error }),
    });
    await expect(app.connect('/chat')).rejects.toMatchObject({ status: 418, body: 'unauthorized' });
    await expect(app.connect('/chat?in=1', { origin: 'https://evil.example' })).rejects.toMatchObject({
      body: 'forbidden origin',
    });
    await app.connect('/chat?in=1');
  });

  it('has the middleware, whose cookie leaves with the 101', async () => {
    const app = await start({ middleware: [session({ secret: 'x', resave: false, saveUninitialized: true })] });
    const client = await app.connect('/chat');
    expect(client.headers['set-cookie']).toEqual([expect.stringMatching(/^connect\.sid=/)]);
  });

  it('has the subprotocols', async () => {
    const app = await start({ protocols: ['v2', 'v1'] });
    expect((await app.connect('/chat', { protocols: ['v1', 'v2'] })).protocol).toBe('v2');
  });

  it.each<[string, PlackWebSocketModuleOptions['limits'], (number | string)[], number]>([
    ['the size of a message', { maxPayloadBytes: 100 }, ['x'.repeat(200)], 1009],
    ['messages per second', { messagesPerSecond: 2 }, [1, 2, 3, 4], 1008],
  ])('has the limit on %s', async (_what, limits, words, code) => {
    const app = await start({ limits: limits ?? {} });
    const client = await app.connect('/chat');
    for (const data of words) void client.send({ event: 'say', data });
    expect(await client.closed()).toMatchObject({ code });
  });

  it('has the limit on connections', async () => {
    const app = await start({ limits: { maxConnections: 1 } });
    const client = await app.connect('/chat');
    await expect(app.connect('/chat')).rejects.toMatchObject({ status: 503 });
    await client.close();
    await app.connect('/chat');
  });

  it('has its connections in the registry', async () => {
    const app = await start({});
    const events = new Journal();
    app.registry.on('establish', ({ endpoint, url }) => events.add(`${endpoint.name} establish ${url}`));
    app.registry.on('finish', (_connection, { code }) => events.add(`finish ${code}`));
    const client = await app.connect('/chat?x=1');
    await client.next();
    expect(app.registry.size).toBe(1);
    expect(app.registry.in(Chat).send({ event: 'news', data: 1 })).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect(await client.nextJson()).toEqual({ event: 'news', data: 1 });
    expect(app.registry.broadcast({ event: 'news', data: 2 })).toMatchObject({ sent: 1 });
    expect(await client.nextJson()).toEqual({ event: 'news', data: 2 });
    await client.close(4001);
    expect(await events.reached(2)).toEqual(['Chat establish /chat?x=1', 'finish 4001']);
    expect(app.registry.size).toBe(0);
  });

  it('has one encoding with the other gateways: what is sent to all is encoded once', async () => {
    @WebSocketGateway({ path: '/other' })
    class Other extends Chat {}
    const app = await startGateways([Chat, Other], { options: {} }, installation);
    const clients = [await app.connect('/chat'), await app.connect('/other')];
    let encoded = 0;
    app.registry.broadcast({ toJSON: () => ++encoded });
    for (const client of clients) {
      expect(await client.nextJson()).toMatchObject({ event: 'welcome' });
      expect(await client.nextJson()).toBe(1);
    }
  });

  it('is closed by the registry', async () => {
    const app = await start({});
    const client = await app.connect('/chat');
    app.registry.close(4002, 'enough');
    expect(await client.closed()).toMatchObject({ code: 4002, reason: 'enough' });
  });

  it('is drained, and its handleDisconnect is awaited while the rest of the application still stands', async () => {
    const order = new Journal();
    class Database {
      onModuleDestroy(): void {
        order.add('database is closed');
      }
    }
    @WebSocketGateway({ path: '/chat' })
    class Saving implements OnGatewayDisconnect {
      async handleDisconnect(): Promise<void> {
        order.add('begins to save');
        await new Promise((resolve) => setImmediate(resolve));
        order.add('has saved');
      }
    }
    const app = await startGateways([Saving], { providers: [Database] }, installation);
    const client = await app.connect('/chat');
    await app.app.close();
    expect(await client.closed()).toEqual({ code: 1001, reason: 'server shutting down', clean: true });
    expect(order.entries).toEqual(['begins to save', 'has saved', 'database is closed']);
  });
});

describe('gateways and endpoints of one application', () => {
  @WsEndpoint('echo')
  class Echo {
    @OnMessage()
    echo(): string {
      return 'echo';
    }
  }

  it('are served on one port', async () => {
    const app = await startGateways([Chat], { endpoints: [Echo] });
    const [chat, echo] = [await app.connect('/chat'), await app.connect('/ws/echo')];
    expect(await chat.nextJson()).toEqual({ event: 'welcome', data: 'stranger' });
    await echo.send('?');
    expect(await echo.next()).toBe('echo');
    expect(app.registry.size).toBe(2);
  });

  it('cannot share a path', async () => {
    @WebSocketGateway({ path: '/ws/echo' })
    class Clashing {}
    const { app } = await createApp({ endpoints: [Echo], providers: [Clashing], options: { gateways: true } });
    await expect(app.init()).rejects.toThrow(/Echo.*Clashing|Clashing.*Echo/s);
  });

  it('are checked as far as they are ours', async () => {
    @WebSocketGateway({ path: 5 as never, cors: true })
    class Wrong {}
    const { app } = await createApp({ providers: [Wrong], options: { gateways: true } });
    await expect(app.init()).rejects.toThrow('@WebSocketGateway of Wrong: path must be a string, not 5.');
  });

  it('may have patterns as paths', async () => {
    @WebSocketGateway({ path: '/rooms/:room' })
    class Room implements OnGatewayConnection {
      handleConnection(client: WebSocket, request: IncomingMessage): void {
        client.send(`in ${String(request.url)}`);
      }
    }
    const app = await startGateways([Room]);
    expect(await (await app.connect('/rooms/7')).next()).toBe('in /rooms/7');
  });

  it('know no namespaces', async () => {
    @WebSocketGateway({ namespace: 'socket-io' })
    class Named {}
    const { app } = await createApp({ providers: [Named], options: { gateways: true } });
    await expect(app.init()).rejects.toThrow(/namespace/);
  });

  it('answer a plain request on the path of a gateway as on that of an endpoint', async () => {
    const app = await startGateways([Chat]);
    expect((await app.fetch('/chat')).status).toBe(426);
    expect((await app.fetch('/chat', { method: 'POST' })).status).toBe(405);
  });
});
