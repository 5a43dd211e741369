import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NEVER, startWith } from 'rxjs';
import { Connection, OnMessage, PlackWebSocketModule, WsEndpoint } from '../../src/index.js';

@WsEndpoint({ path: 'feeds', serializer: 'json' })
class Feeds {
  @OnMessage('observable')
  observable() {
    return NEVER.pipe(startWith('item'));
  }

  @OnMessage('iterable')
  async *iterable(): AsyncGenerator<string> {
    yield 'item';
    await new Promise(() => undefined);
  }

  @OnMessage('listener')
  listener(connection: Connection): string {
    connection.signal.addEventListener('abort', () => undefined);
    return 'item';
  }
}

@Module({ imports: [PlackWebSocketModule.forRoot()], providers: [Feeds] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
process.send?.({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });
