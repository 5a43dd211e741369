import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { OnFinish, OnMessage, PlackWebSocketModule, WsEndpoint } from '../../src/index.js';

@Injectable()
class Database implements OnModuleDestroy {
  #open = true;

  async write(row: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#open) throw new Error('The database is closed.');
    console.log(`written: ${row}`);
  }

  onModuleDestroy(): void {
    this.#open = false;
    console.log('database closed');
  }
}

@WsEndpoint('room')
class Room {
  constructor(@Inject(Database) private readonly database: Database) {}

  @OnMessage()
  hear(): string {
    return 'heard';
  }

  @OnFinish()
  leave(): Promise<void> {
    return this.database.write('left');
  }
}

@Module({ imports: [PlackWebSocketModule.forRoot({ shutdown: { graceMs: 300 } })], providers: [Database, Room] })
class AppModule {}

const { PLACK_TEST_PLATFORM, FORCE_CLOSE, PROCESS_EXIT } = process.env;
const settings = { logger: ['error', 'warn'] as ('error' | 'warn')[], forceCloseConnections: FORCE_CLOSE === '1' };
const app =
  PLACK_TEST_PLATFORM === 'fastify'
    ? await NestFactory.create(AppModule, new FastifyAdapter(), settings)
    : await NestFactory.create(AppModule, settings);
app.enableShutdownHooks([], { useProcessExit: PROCESS_EXIT === '1' });
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.send?.({ port: (server.address() as AddressInfo).port });
