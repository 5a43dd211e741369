import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { OnMessage, PlackWebSocketModule, WsEndpoint } from '../../../src/index.js';

// The guard is CommonJS, which jest cannot load beside Nest on Node 20; an application can.
@WsEndpoint('chat')
class Chat {
  @OnMessage('say')
  say(): string {
    return 'said';
  }
}

// #region throttler
@Module({
  imports: [
    ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }]),
    PlackWebSocketModule.forRoot({ serializer: 'json', trustProxy: 'loopback' }),
  ],
  providers: [Chat, { provide: APP_GUARD, useClass: ThrottlerGuard }],
})
class AppModule {}
// #endregion throttler

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.send?.({ port: (server.address() as AddressInfo).port });
