import 'reflect-metadata';
import { Module, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer, type WsResponse } from '@nestjs/websockets';
import type { Server } from 'ws';
import type { ContenderServer, TextData } from './contender.js';
import { PassGuard, PassInterceptor, PassPipe } from './enhancers.js';
import { listeningPort } from './listening-port.js';

@WebSocketGateway({ path: '/events' })
class EventGateway {
  @WebSocketServer()
  declare readonly server: Server;

  @SubscribeMessage('echo')
  echo(@MessageBody() data: TextData): WsResponse<TextData> {
    return { event: 'echo', data };
  }

  @UseGuards(PassGuard)
  @UseInterceptors(PassInterceptor)
  @UsePipes(PassPipe)
  @SubscribeMessage('checked')
  checked(@MessageBody() data: TextData): WsResponse<TextData> {
    return { event: 'checked', data };
  }
}

@Module({ providers: [EventGateway] })
class EventModule {}

/** Nest's stock gateway on `ws`, written as its documentation says. */
export async function startPlatformWs(): Promise<ContenderServer> {
  const app = await NestFactory.create(EventModule, { logger: ['warn'] });
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  const { server } = app.get(EventGateway);
  return {
    port: listeningPort(app.getHttpServer()),
    connectionCount: () => server.clients.size,
    broadcast: (text) => {
      const message = Buffer.from(JSON.stringify({ event: 'news', data: { text } }));
      for (const client of server.clients) {
        if (client.readyState === client.OPEN) client.send(message, { binary: false });
      }
    },
  };
}
