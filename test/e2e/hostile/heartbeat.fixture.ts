import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Connection, FinishInfo, OnFinish, OnMessage, PlackWebSocketModule, WsEndpoint } from '../../../src/index.js';

/** A server whose event loop can be held. */
@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(_connection: Connection, message: string): string {
    return message;
  }

  @OnFinish()
  leave(_connection: Connection, { initiator }: FinishInfo): void {
    process.send?.({ finished: initiator });
  }
}

@Module({
  imports: [PlackWebSocketModule.forRoot({ heartbeat: { intervalMs: 300, timeoutMs: 300 } })],
  providers: [Echo],
})
class AppModule {}

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('holdMs' in message)) return;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(message.holdMs));
  process.send?.({ held: true });
});

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.send?.({ port: (server.address() as AddressInfo).port });
