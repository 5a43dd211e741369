import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { MessageBody, SubscribeMessage, WebSocketGateway, type OnGatewayDisconnect } from '@nestjs/websockets';
import type { Type } from '@nestjs/common';
import { connect } from '../../support/connect.js';
import { freePort } from '../../support/free-port.js';
import { Journal } from '../../support/journal.js';
import { afterTest, createApp } from '../../support/start-app.js';
import { OURS, startGateways } from './start-gateways.js';

function answering(port: number, path: string, answer: string): Type {
  @WebSocketGateway(port, { path })
  class Answering {
    @SubscribeMessage('ask')
    ask(@MessageBody() data: unknown): unknown {
      return { event: answer, data };
    }
  }
  return Answering;
}

function origin(port: number): URL {
  return new URL(`http://127.0.0.1:${port}`);
}

async function ask(port: number, path: string): Promise<unknown> {
  const client = await connect(origin(port), path);
  afterTest(() => client.terminate());
  await client.send({ event: 'ask', data: 1 });
  return client.nextJson();
}

describe.each(OURS)('a gateway with a port of its own on $name', (installation) => {
  it('is served there and nowhere else', async () => {
    const port = await freePort();
    const app = await startGateways([answering(port, '/own', 'own'), answering(0, '/main', 'main')], {}, installation);
    expect(await ask(port, '/own')).toEqual({ event: 'own', data: 1 });
    expect(await ask(app.port, '/main')).toEqual({ event: 'main', data: 1 });
    await expect(connect(origin(port), '/main')).rejects.toMatchObject({ status: 404 });
    await expect(connect(origin(app.port), '/own')).rejects.toMatchObject({ status: 404 });
    expect(app.registry.size).toBe(2);
  });

  it('shares it with others by path', async () => {
    const port = await freePort();
    await startGateways([answering(port, '/one', 'one'), answering(port, '/two', 'two')], {}, installation);
    expect(await ask(port, '/one')).toEqual({ event: 'one', data: 1 });
    expect(await ask(port, '/two')).toEqual({ event: 'two', data: 1 });
  });

  it('has the handshake of the module', async () => {
    const port = await freePort();
    await startGateways([answering(port, '/own', 'own')], { options: { login: () => false } }, installation);
    await expect(connect(origin(port), '/own')).rejects.toMatchObject({ status: 401 });
  });

  it('tells plain requests to upgrade', async () => {
    const port = await freePort();
    await startGateways([answering(port, '/own', 'own')], {}, installation);
    const answer = await fetch(new URL('/own', origin(port)));
    expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
  });

  it('is drained, and its port is free after the close', async () => {
    const port = await freePort();
    const calls = new Journal();
    @WebSocketGateway(port, { path: '/own' })
    class Own implements OnGatewayDisconnect {
      handleDisconnect(): void {
        calls.add('disconnected');
      }
    }
    const app = await startGateways([Own], {}, installation);
    const client = await connect(origin(port), '/own');
    await app.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    expect(calls.entries).toEqual(['disconnected']);
    const server = createServer().listen(port);
    await once(server, 'listening');
    server.close();
  });
});

it('an application does not start when the port of its gateway is taken', async () => {
  const taken = createServer().listen(0);
  await once(taken, 'listening');
  afterTest(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const { app } = await createApp({ providers: [answering(port, '/own', 'own')], options: { gateways: true } });
  await expect(app.init()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
