import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnEstablish, PlackWebSocketModule, WsEndpoint } from '../../../src/index.js';

@WsEndpoint('ours')
class Ours {
  @OnEstablish()
  enter(): void {}
}

@Module({ imports: [PlackWebSocketModule.forRoot({ handshakeTimeoutMs: 500 })], providers: [Ours] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
const server: Server = app.getHttpServer();
// Somebody who serves other paths and leaves the rest alone, as proxies in front of other servers do.
server.on('upgrade', (request, socket) => {
  socket.once('close', () => process.send?.({ [`closed ${request.url}`]: true }));
  process.send?.({ [`left ${request.url}`]: true });
});
await app.listen(0, '127.0.0.1');
process.send?.({ port: (server.address() as AddressInfo).port });
