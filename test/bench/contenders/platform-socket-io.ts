import 'reflect-metadata';
import { Module, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer, type WsResponse } from '@nestjs/websockets';
import type { Server } from 'socket.io';
import type { ContenderServer, TextData } from './contender.js';
import { PassGuard, PassInterceptor, PassPipe } from './enhancers.js';
import { listeningPort } from './listening-port.js';

@WebSocketGateway({ transports: ['websocket'] })
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

/** Nest's stock gateway on socket.io. It speaks a protocol of its own inside WebSocket frames. */
export async function startPlatformSocketIo(): Promise<ContenderServer> {
  const app = await NestFactory.create(EventModule, { logger: ['warn'] });
  app.useWebSocketAdapter(new IoAdapter(app));
  await app.listen(0, '127.0.0.1');
  const { server } = app.get(EventGateway);
  return {
    port: listeningPort(app.getHttpServer()),
    connectionCount: () => server.engine.clientsCount,
    broadcast: (text) => {
      server.emit('news', { text });
    },
  };
}
