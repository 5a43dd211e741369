import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { Server as WsServer, WebSocket } from 'ws';
import { Gate, Journal } from '../../support/journal.js';
import { nestHas } from '../../support/nest-features.js';
import { BOTH, OURS, startGateways } from './start-gateways.js';

describe.each([...BOTH, ...OURS.slice(1)])('the hooks of a gateway on $name', (installation) => {
  it('are called in order, with what they are promised', async () => {
    const calls = new Journal<readonly unknown[]>();
    @WebSocketGateway({ path: '/hooks' })
    class Hooks implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
      afterInit(server: WsServer): void {
        calls.add(['afterInit', server.clients.size]);
      }
      handleConnection(client: WebSocket, request: IncomingMessage): void {
        calls.add(['handleConnection', client.readyState, request.url, request.headers['x-name']]);
      }
      handleDisconnect(client: WebSocket, reason: unknown): void {
        calls.add(['handleDisconnect', client.readyState, reason]);
      }
    }
    const app = await startGateways([Hooks], {}, installation);
    const client = await app.connect('/hooks?x=1', { headers: { 'X-Name': 'alice' } });
    await calls.reached(2);
    await client.close(4001, 'bye');
    expect(await calls.reached(3)).toEqual([
      ['afterInit', 0],
      ['handleConnection', 1, '/hooks?x=1', 'alice'],
      ['handleDisconnect', 3, nestHas('disconnectReason') ? 4001 : undefined],
    ]);
  });

  it.each([
    ['at the root where none is named', {}, '/'],
    ['with a slash that was left out', { path: 'somewhere' }, '/somewhere'],
    ['without a slash at the end', { path: '/somewhere/' }, '/somewhere'],
  ])('are called on its path: %s', async (_what, options, path) => {
    @WebSocketGateway(options)
    class Somewhere implements OnGatewayConnection {
      handleConnection(client: WebSocket): void {
        client.send('here');
      }
    }
    const app = await startGateways([Somewhere], {}, installation);
    expect(await (await app.connect(path)).next()).toBe('here');
  });

  it('tell the clients apart', async () => {
    const calls = new Journal();
    const names = new Map<WebSocket, string>();
    @WebSocketGateway({ path: '/named' })
    class Named implements OnGatewayConnection, OnGatewayDisconnect {
      handleConnection(client: WebSocket, request: IncomingMessage): void {
        names.set(client, String(request.headers['x-name']));
        client.send(`hello ${names.get(client)}`);
      }
      @SubscribeMessage('who')
      who(@ConnectedSocket() client: WebSocket): unknown {
        return { event: 'you', data: names.get(client) };
      }
      handleDisconnect(client: WebSocket): void {
        calls.add(`bye ${names.get(client)}`);
      }
    }
    const app = await startGateways([Named], {}, installation);
    const [alice, bob] = [
      await app.connect('/named', { headers: { 'X-Name': 'alice' } }),
      await app.connect('/named', { headers: { 'X-Name': 'bob' } }),
    ];
    expect([await alice.next(), await bob.next()]).toEqual(['hello alice', 'hello bob']);
    await bob.send({ event: 'who' });
    expect(await bob.nextJson()).toEqual({ event: 'you', data: 'bob' });
    await alice.close();
    expect(await calls.next()).toBe('bye alice');
    await bob.close();
    expect(await calls.next()).toBe('bye bob');
  });

  it('come with a server whose clients are those that are connected', async () => {
    @WebSocketGateway({ path: '/all' })
    class Shout implements OnGatewayDisconnect {
      @WebSocketServer()
      readonly server!: WsServer;

      readonly left = new Gate();

      @SubscribeMessage('shout')
      shout(@MessageBody() text: string): void {
        for (const client of this.server.clients) client.send(text);
      }
      handleDisconnect(): void {
        this.left.open();
      }
    }
    const started = await startGateways([Shout], {}, installation);
    const [one, two, three] = [
      await started.connect('/all'),
      await started.connect('/all'),
      await started.connect('/all'),
    ];
    const gateway = started.app.get(Shout);
    expect(gateway.server.clients.size).toBe(3);
    await three.close();
    await gateway.left.opened;
    expect(gateway.server.clients.size).toBe(2);
    await one.send({ event: 'shout', data: 'everybody' });
    expect([await one.next(), await two.next()]).toEqual(['everybody', 'everybody']);
  });

  it('come with a server that tells of each connection', async () => {
    @WebSocketGateway({ path: '/told' })
    class Told implements OnGatewayInit {
      afterInit(server: WsServer): void {
        server.on('connection', (client, request) => client.send(`told of ${request.url}`));
      }
    }
    const app = await startGateways([Told], {}, installation);
    for (const path of ['/told?1', '/told?2']) expect(await (await app.connect(path)).next()).toBe(`told of ${path}`);
  });

  it('are those of every gateway on one path, each once', async () => {
    const calls = new Journal();
    abstract class Counting implements OnGatewayConnection, OnGatewayDisconnect {
      handleConnection(): void {
        calls.add(`${this.constructor.name} connected`);
      }
      handleDisconnect(): void {
        calls.add(`${this.constructor.name} disconnected`);
      }
    }
    @WebSocketGateway({ path: '/shared' })
    class First extends Counting {
      @SubscribeMessage('first')
      first(): unknown {
        return { event: 'from', data: 'first' };
      }
    }
    @WebSocketGateway({ path: '/shared' })
    class Second extends Counting {
      @SubscribeMessage('second')
      second(): unknown {
        return { event: 'from', data: 'second' };
      }
    }
    const app = await startGateways([First, Second], {}, installation);
    const client = await app.connect('/shared');
    await client.send({ event: 'second' });
    expect(await client.nextJson()).toEqual({ event: 'from', data: 'second' });
    await client.send({ event: 'first' });
    expect(await client.nextJson()).toEqual({ event: 'from', data: 'first' });
    await client.close();
    await calls.reached(4);
    await app.app.close();
    expect(calls.entries.toSorted()).toEqual([
      'First connected',
      'First disconnected',
      'Second connected',
      'Second disconnected',
    ]);
  });
});

describe.each(OURS)('a handleConnection that takes its time on $name', (installation) => {
  it('is awaited before the first message is handled', async () => {
    const known = new Gate();
    const order: string[] = [];
    @WebSocketGateway({ path: '/slow' })
    class Slow implements OnGatewayConnection {
      async handleConnection(): Promise<void> {
        await known.opened;
        order.push('connected');
      }
      @SubscribeMessage('ask')
      ask(@MessageBody() data: unknown): unknown {
        order.push(`asked ${String(data)}`);
        return { event: 'answer', data };
      }
    }
    const app = await startGateways([Slow], {}, installation);
    const client = await app.connect('/slow');
    await client.send({ event: 'ask', data: 1 });
    await client.send({ event: 'ask', data: 2 });
    client.raw.ping();
    await once(client.raw, 'pong');
    expect(order).toEqual([]);
    known.open();
    expect([await client.nextJson(), await client.nextJson()]).toEqual([
      { event: 'answer', data: 1 },
      { event: 'answer', data: 2 },
    ]);
    expect(order).toEqual(['connected', 'asked 1', 'asked 2']);
  });

  it('may close the client, which is handled no message then', async () => {
    const asked: unknown[] = [];
    const leaving = new Gate();
    @WebSocketGateway({ path: '/closing' })
    class Closing implements OnGatewayConnection, OnGatewayDisconnect {
      async handleConnection(client: WebSocket): Promise<void> {
        await Promise.resolve();
        client.close(4003, 'not you');
      }
      @SubscribeMessage('ask')
      ask(@MessageBody() data: unknown): void {
        asked.push(data);
      }
      handleDisconnect(): void {
        leaving.open();
      }
    }
    const app = await startGateways([Closing], {}, installation);
    const client = await app.connect('/closing');
    await client.send({ event: 'ask', data: 1 }).catch(() => undefined);
    expect(await client.closed()).toMatchObject({ code: 4003, reason: 'not you' });
    await leaving.opened;
    expect(asked).toEqual([]);
  });
});
