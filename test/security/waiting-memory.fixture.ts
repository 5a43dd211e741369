import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
} from '../../src/index.js';
import { collectGarbage } from '../support/memory-probe.js';

@WsEndpoint({ path: 'feed', limits: { overflow: 'drop' } })
class Feed {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.join(String(connection.query['as']));
  }

  @OnMessage()
  echo(_connection: Connection, message: string): string {
    return message;
  }
}

/** Never done. */
@WsEndpoint('work')
class Work {
  @OnMessage()
  work(): Promise<void> {
    return new Promise(() => undefined);
  }
}

@Module({ imports: [PlackWebSocketModule.forRoot({ heartbeat: false })], providers: [Feed, Work] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
const registry = app.get(ConnectionRegistry);

function text(length: number, seed: number): string {
  return `${seed} `.padEnd(length, 'x');
}

const slow = (): Connection[] => [...registry.to('slow')];

/** Sends to the slow ones until the system takes no more. */
async function clog(): Promise<void> {
  for (const connection of slow()) {
    for (let quiet = 0; quiet < 20; quiet++) {
      if (connection.bufferedBytes === 0) {
        void connection.send(text(64_000, quiet));
        quiet = 0;
      }
      await turn();
    }
  }
}

/** Sends messages to the slow ones until no more is taken, while others are sent to as well. */
async function fill(length: number, asAudience: boolean): Promise<void> {
  const [connections, others] = [slow(), [...registry.to('other')]];
  const waiting = (): number => connections.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0);
  for (let i = 0, full = 0, before = 0; full < 20; i++) {
    for (const connection of connections) {
      if (asAudience) connection.to(connection.id).send(text(length, i));
      else void connection.send(text(length, i));
    }
    if (i % 8 === 0) for (const connection of others) void connection.send(text(9_000, i));
    await turn();
    full = waiting() > before ? 0 : full + 1;
    before = waiting();
  }
}

process.on('message', (message: Record<string, unknown>) => {
  const { count, clogged, length, asAudience, sendEach } = message;
  if (typeof count === 'string') void collectGarbage().then((held) => process.send?.({ [count]: held }));
  if (clogged === true) void clog().then(() => process.send?.({ clogged }));
  if (typeof length === 'number') void fill(length, asAudience === true).then(() => process.send?.({ filled: true }));
  if (typeof sendEach === 'number') {
    for (const [i, connection] of [...registry].entries()) void connection.send(text(sendEach, i));
    process.send?.({ sent: true });
  }
});
process.send?.({ port: (server.address() as AddressInfo).port });
