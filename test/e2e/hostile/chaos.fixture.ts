import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  type HandshakeHook,
} from '../../../src/index.js';
import { collectGarbage } from '../../support/memory-probe.js';

const count = {
  established: 0,
  finished: 0,
  begun: 0,
  settled: 0,
  announced: 0,
  announcedEnds: 0,
  refused: 0,
  faults: 0,
};

const handshake: HandshakeHook = async ({ query }) => {
  if (query['hook'] === 'slow') await delay(Number(query['ms']));
  if (query['hook'] === 'refuse') return { status: 403, body: 'no' };
  if (query['hook'] === 'throw') throw new Error('hook');
  return undefined;
};

/** Does what the client asks for, good or bad, and counts what may not happen as a fault. */
@WsEndpoint('chaos')
class Chaos {
  @OnEstablish()
  async enter(connection: Connection<unknown, { over?: boolean }>): Promise<void> {
    count.established++;
    connection.join('all', `room ${connection.query['ms'] as string}`);
    if (connection.query['establish'] === 'slow') await delay(Number(connection.query['ms']));
    if (connection.query['establish'] === 'throw') throw new Error('establish');
    if (connection.query['establish'] === 'close') connection.close(4000);
  }

  @OnMessage()
  async say(connection: Connection<unknown, { over?: boolean }>, message: string | Buffer): Promise<unknown> {
    count.begun++;
    if (connection.data.over === true) count.faults++;
    try {
      const [word, argument] = String(message).split(' ');
      if (word === 'slow') await delay(Number(argument));
      if (word === 'throw') throw new Error('message');
      if (word === 'close') connection.close(4001, 'asked for');
      if (word === 'terminate') connection.terminate();
      if (word === 'broadcast') connection.to('all').broadcast(`news ${argument}`);
      if (word === 'flood') for (let sent = 0; sent < 40; sent++) void connection.send(Buffer.alloc(60_000));
      return word === 'echo' ? message : undefined;
    } finally {
      count.settled++;
    }
  }

  @OnFinish()
  leave(connection: Connection<unknown, { over?: boolean }>): void {
    count.finished++;
    if (connection.data.over === true) count.faults++;
    connection.data.over = true;
  }
}

@Module({
  imports: [
    PlackWebSocketModule.forRoot({
      handshake,
      onError: () => void count.refused++,
      handshakeTimeoutMs: 100,
      // Wide enough for a good client on a busy machine: what is too slow for these is taken for bad.
      closeTimeoutMs: 1500,
      heartbeat: { intervalMs: 500, timeoutMs: 1500 },
      limits: { maxPayloadBytes: 70_000, maxPendingMessages: 16, maxBufferedBytes: 500_000, maxConnections: 400 },
    }),
  ],
  providers: [Chaos],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
const registry = app.get(ConnectionRegistry);
registry.on('establish', () => void count.announced++);
registry.on('finish', () => void count.announcedEnds++);
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('report' in message)) return;
  const name = String(message.report);
  void collectGarbage().then((held) =>
    server.getConnections((_error, sockets) =>
      process.send?.({ [name]: { ...count, ...held, sockets, open: registry.size, channel: registry.to('all').size } }),
    ),
  );
});
process.channel?.unref();
process.send?.({ port: (server.address() as AddressInfo).port });
