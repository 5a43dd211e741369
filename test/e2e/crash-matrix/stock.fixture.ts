import 'reflect-metadata';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Catch, Module, UseFilters, type ArgumentsHost } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  BaseWsExceptionFilter,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { gate, misbehave, report } from './misbehaviour.js';

// A gateway keeps nothing of the upgrade, so the application has to.
const queries = new WeakMap<WebSocket, Readonly<Record<string, string>>>();

function queryOf(client: WebSocket): Readonly<Record<string, string>> {
  return queries.get(client) ?? {};
}

@Catch()
class FaultFilter extends BaseWsExceptionFilter {
  override catch(exception: Error, host: ArgumentsHost): void {
    misbehave(queryOf(host.switchToWs().getClient())['error']);
    super.catch(exception, host);
  }
}

@WebSocketGateway({ path: '/ws/fault' })
class FaultGateway implements OnGatewayConnection<WebSocket>, OnGatewayDisconnect<WebSocket> {
  handleConnection(client: WebSocket, request: IncomingMessage): unknown {
    const query = Object.fromEntries(new URL(request.url ?? '', 'ws://host').searchParams);
    queries.set(client, query);
    const { name, onMessage, onFinish } = query;
    if (onMessage) {
      client.on('message', (data) => {
        if (!String(data).includes('"fault"')) return;
        report('onMessage', name);
        return misbehave(onMessage);
      });
    }
    if (onFinish) {
      client.on('close', () => {
        report('onFinish', name);
        return misbehave(onFinish);
      });
    }
    report('establish', name);
    if (query['gate']) return gate();
    return misbehave(query['establish'], (value) => client.send(JSON.stringify(value)));
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return { event: 'echo', data };
  }

  @SubscribeMessage('fault')
  @UseFilters(FaultFilter)
  fault(@ConnectedSocket() client: WebSocket, @MessageBody() { kind }: { kind: string }): unknown {
    report('message', queryOf(client)['name']);
    return misbehave(kind);
  }

  handleDisconnect(client: WebSocket): unknown {
    const { name, finish } = queryOf(client);
    report('finish', name);
    return misbehave(finish, (value) => client.send(JSON.stringify(value)));
  }
}

@Module({ providers: [FaultGateway] })
class StockModule {}

const app = await NestFactory.create(StockModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.send?.({ port: (server.address() as AddressInfo).port });
