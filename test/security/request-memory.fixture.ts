import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Connection, OnEstablish, OnMessage, PlackWebSocketModule, WsEndpoint } from '../../src/index.js';
import { collectGarbage } from '../support/memory-probe.js';

/** Looks at everything, as a guard may that asks for a token wherever it could be. */
class Looking implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, query, cookies } = context
      .switchToHttp()
      .getRequest<Record<'headers' | 'query' | 'cookies', Record<string, string>>>();
    return [headers['token'], query['token'], cookies['token']].length > 0;
  }
}

@UseGuards(Looking)
@WsEndpoint('quiet')
class Quiet {
  @OnEstablish()
  enter({ context }: Connection): void {
    void context.protocols;
  }

  @OnMessage()
  say(connection: Connection): string {
    return String(connection.context.raw.rawHeaders.length);
  }
}

/** Never decides. */
@WsEndpoint({ path: 'pending', handshake: () => new Promise<void>(() => undefined), handshakeTimeoutMs: 0 })
class Pending {
  @OnEstablish()
  enter(): void {}
}

@Module({ imports: [PlackWebSocketModule.forRoot()], providers: [Quiet, Pending] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.on('message', (message: { readonly count?: string }) => {
  const { count } = message;
  if (count !== undefined) void collectGarbage().then((held) => process.send?.({ [count]: held }));
});
process.send?.({ port: (server.address() as AddressInfo).port });
