import { describe, expect, it } from '@jest/globals';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  Connection,
  ConnectionRegistry,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
} from 'nestjs-plack-websocket';
import type { WebSocket, WebSocketServer as Server } from 'ws';
import { startApp, type AppSpec } from '../../support/start-app.js';

const log: string[] = [];

// #region gateway
@WebSocketGateway({ path: '/ws/chat' })
class ChatGateway implements OnGatewayConnection<WebSocket>, OnGatewayDisconnect<WebSocket> {
  @WebSocketServer() private readonly server!: Server;

  handleConnection(client: WebSocket): void {
    client.send(JSON.stringify({ event: 'welcome', data: this.server.clients.size }));
  }

  @SubscribeMessage('say')
  say(@ConnectedSocket() client: WebSocket, @MessageBody() text: string): { event: string; data: string } {
    for (const other of this.server.clients) {
      if (other !== client && other.readyState === other.OPEN) {
        other.send(JSON.stringify({ event: 'said', data: text }));
      }
    }
    return { event: 'say', data: text };
  }

  handleDisconnect(): void {
    log.push('left');
  }
}
// #endregion gateway

// #region endpoint
@WsEndpoint({ path: 'chat', serializer: 'json' })
class ChatEndpoint {
  constructor(private readonly registry: ConnectionRegistry) {}

  @OnEstablish()
  enter(connection: Connection): void {
    void connection.send({ event: 'welcome', data: this.registry.in(ChatEndpoint).size });
  }

  @OnMessage('say')
  say(connection: Connection, @MessageBody() text: string): string {
    this.registry.in(ChatEndpoint).except(connection).send({ event: 'said', data: text });
    return text;
  }

  @OnFinish()
  leave(_connection: Connection, { initiator }: FinishInfo): void {
    log.push(`left, ended by ${initiator}`);
  }
}
// #endregion endpoint

describe('the gateway and the endpoint of docs/guide/09-from-websocket-gateway.md', () => {
  it.each<[string, AppSpec, string]>([
    [
      'as a stock gateway',
      { options: false, providers: [ChatGateway], configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)) },
      'left',
    ],
    ['as a gateway on the adapter of the module', { options: { gateways: true }, providers: [ChatGateway] }, 'left'],
    ['as an endpoint', { endpoints: [ChatEndpoint] }, 'left, ended by client'],
  ])('say the same: %s', async (_as, spec, left) => {
    log.length = 0;
    const started = await startApp(spec);
    const ada = await started.connect('/ws/chat');
    expect(await ada.nextJson()).toEqual({ event: 'welcome', data: 1 });
    const grace = await started.connect('/ws/chat');
    expect(await grace.nextJson()).toEqual({ event: 'welcome', data: 2 });
    await ada.send({ event: 'say', data: 'hello' });
    expect(await ada.nextJson()).toEqual({ event: 'say', data: 'hello' });
    expect(await grace.nextJson()).toEqual({ event: 'said', data: 'hello' });
    await ada.close();
    await started.app.close();
    expect(log[0]).toBe(left);
  });
});
