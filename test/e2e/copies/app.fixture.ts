import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnMessage, PlackWebSocketModule, WsEndpoint } from '../../../src/index.js';

const { FEATURE: url = '', TAKES_PART: way = '' } = process.env;
const { features } = (await import(url)) as { features: Readonly<Record<string, () => Type>> };

@WsEndpoint({ path: 'own', serializer: 'json' })
class OwnEndpoint {
  @OnMessage('hear')
  hear(): void {}
}

@Module({ imports: [PlackWebSocketModule.forRoot(), features[way]?.() as Type], providers: [OwnEndpoint] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'], abortOnError: false });
await app.listen(0, '127.0.0.1');
process.send?.({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });
