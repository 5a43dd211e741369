import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Connection,
  ConnectionRegistry,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  type HandshakeHook,
} from '../../../src/index.js';
import { collectGarbage } from '../../support/memory-probe.js';

/** Everything of a connection that must go with it. */
const watched = new Map<string, WeakRef<object>[]>();

function watch(kind: string, thing: object): void {
  const refs = watched.get(kind) ?? [];
  refs.push(new WeakRef(thing));
  watched.set(kind, refs);
}

const handshake: HandshakeHook = (context, response) => {
  watch('context', context);
  watch('request', context.raw);
  watch('socket', context.raw.socket);
  context.user = { id: 'somebody' };
  response.expiresAt = Date.now() + 1_000_000;
  if (context.query['hook'] === 'refuse') return { status: 403 };
  if (context.query['hook'] === 'never') return new Promise<void>(() => undefined);
  if (context.query['hook'] === 'later') return new Promise((resolve) => setImmediate(resolve, [response, {}]));
  return [response, { results: true }];
};

/** Uses everything that keeps something about a connection. */
@WsEndpoint({
  path: 'leak',
  limits: { maxConnectionsPerIp: 1000, maxConnectionsPerUser: 1000, messagesPerSecond: 1000 },
})
class Leak {
  @OnEstablish()
  enter(connection: Connection): void {
    watch('connection', connection);
    watch('signal', connection.signal);
    watch('data', connection.data);
    watch('ws', connection.raw as object);
    connection.data['self'] = connection;
    connection.join('everybody', `only ${connection.id}`);
    connection.on('message', () => void connection.data);
    connection.on('finish', () => void connection.channels);
    connection.signal.addEventListener('abort', () => void connection.id);
    void connection.send(`welcome ${connection.id}`);
    if (connection.query['establish'] === 'throw') throw new Error('no');
  }

  @OnMessage()
  async *say(connection: Connection, message: string): AsyncGenerator<string> {
    if (message === 'throw') throw new Error('no');
    if (message === 'close') connection.close(4000);
    if (message === 'terminate') connection.terminate();
    if (message === 'move') connection.reauthenticate(Date.now() + 2_000_000);
    // A feed ends with its connection, wherever it waits.
    if (message === 'feed') for (;;) yield await new Promise((resolve) => setImmediate(resolve, 'x'.repeat(1000)));
    yield message;
  }

  /** Waits for what never comes. */
  @OnMessage({ binary: true })
  hang(): Promise<never> {
    return new Promise(() => undefined);
  }

  @OnFinish()
  leave(_connection: Connection, end: FinishInfo): void {
    watch('end', end);
    process.send?.({ finished: true });
  }
}

@Module({
  imports: [
    PlackWebSocketModule.forRoot({ handshake, handshakeTimeoutMs: 50, closeTimeoutMs: 50, context: 'async-local' }),
  ],
  providers: [Leak],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
const registry = app.get(ConnectionRegistry);
registry.on('establish', (connection) => watch('announced', connection));
registry.on('finish', (connection) => void connection.id);
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('count' in message)) return;
  const name = String(message.count);
  void collectGarbage().then(() => {
    const alive: Record<string, number> = {};
    const seen: Record<string, number> = {};
    for (const [kind, refs] of watched) {
      seen[kind] = refs.length;
      alive[kind] = refs.filter((ref) => ref.deref() !== undefined).length;
    }
    process.send?.({ [name]: { seen, alive, channels: registry.to('everybody').size, open: registry.size } });
  });
});
process.channel?.unref();
process.send?.({ port: (server.address() as AddressInfo).port });
