/* The application whose behaviour is compared: served by Node, Bun or Deno with the packed library. It prints its port. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  Param,
  ParseIntPipe,
  Post,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  type Delivery,
  type FinishInfo,
} from 'nestjs-plack-websocket';
import type { WebSocket } from 'ws';

/** Ends of connections, by the name in the query. */
const ends: Record<string, { code: number; initiator: string; clean: boolean }> = {};
const nameOf = ({ context }: Connection): string => String(context.query['name']);

@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (headers['x-token'] === 'stale') throw new ForbiddenException('the token is old');
    return headers['x-token'] === 'fresh';
  }
}

@WsEndpoint('echo')
class EchoEndpoint {
  @OnMessage()
  echo(_connection: Connection, message: unknown): unknown {
    return message;
  }

  @OnFinish()
  leave(connection: Connection, { code, initiator, clean }: FinishInfo): void {
    ends[nameOf(connection)] = { code, initiator, clean };
  }
}

@WsEndpoint({ path: 'limited', limits: { maxPayloadBytes: 100 } })
class LimitedEndpoint extends EchoEndpoint {}

@WsEndpoint({ path: 'fragments', limits: { maxFragments: 10 } })
class FragmentsEndpoint extends EchoEndpoint {}

/** Its handler waits, so what comes meanwhile waits too. */
@WsEndpoint({ path: 'slow', limits: { maxPendingMessages: 4 } })
class SlowEndpoint {
  @OnMessage()
  async echo(_connection: Connection, message: unknown): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve));
    return message;
  }
}

@WsEndpoint('handed')
class HandedEndpoint {
  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await connection.ping();
    const socket = connection.handOver() as WebSocket;
    socket.on('message', (data: Buffer) => socket.send(`taken ${data.toString()}`));
  }
}

@WsEndpoint({ path: 'compressed', compression: true })
class CompressedEndpoint extends EchoEndpoint {}

@WsEndpoint({ path: 'rooms/:room', serializer: 'json', protocols: ['chat.2', 'chat.1'] })
class RoomEndpoint {
  @UseGuards(TokenGuard)
  @OnEstablish()
  async enter(connection: Connection, @Param('room', ParseIntPipe) room: number): Promise<void> {
    // What comes meanwhile waits.
    await new Promise((resolve) => setImmediate(resolve));
    connection.join(`room:${room}`);
    void connection.send('entered', typeof room);
  }

  @OnMessage('say')
  say(connection: Connection, @MessageBody() text: string): string {
    connection.to(connection.channels).broadcast('said', text);
    return `you said ${text}`;
  }

  @OnMessage('count')
  async *count(_connection: Connection, @MessageBody() to: number): AsyncGenerator<number> {
    for (let n = 1; n <= to; n++) yield n;
  }

  @OnMessage('fail')
  fail(): never {
    throw new Error('a secret');
  }

  @OnMessage('ping')
  async ping(connection: Connection): Promise<string> {
    return typeof (await connection.ping());
  }

  @OnMessage('facts')
  facts({ raw, bufferedBytes, protocol }: Connection): unknown {
    return { raw: raw?.constructor.name, bufferedBytes, protocol };
  }

  @OnMessage('kick')
  kick(connection: Connection): void {
    connection.close(4001, 'kicked');
  }

  /** More than the peer reads, until the limit of its outbox ends it. */
  @OnMessage('flood')
  flood(connection: Connection): void {
    const piece = 'x'.repeat(60_000);
    for (let n = 0; n < 2_000 && connection.state === 'open'; n++) void connection.send(piece);
  }

  @OnFinish()
  leave(connection: Connection, { code, initiator, clean }: FinishInfo): void {
    ends[nameOf(connection)] = { code, initiator, clean };
  }
}

@Controller()
class HttpController {
  constructor(private readonly registry: ConnectionRegistry) {}

  @Get('ends')
  ends(): typeof ends {
    return ends;
  }

  @Get('size')
  size(): number {
    return this.registry.size;
  }

  @Post('broadcast')
  broadcast(): Delivery {
    return this.registry.in(RoomEndpoint).send({ event: 'news', data: 'for all' });
  }
}

@Module({
  imports: [PlackWebSocketModule.forRoot({ heartbeat: { intervalMs: 60_000 } })],
  controllers: [HttpController],
  providers: [
    EchoEndpoint,
    LimitedEndpoint,
    CompressedEndpoint,
    FragmentsEndpoint,
    SlowEndpoint,
    HandedEndpoint,
    RoomEndpoint,
  ],
})
class AppModule {}

const { KEY: key, CERT: cert } = process.env;
const app = await NestFactory.create(AppModule, {
  logger: ['error', 'warn'],
  ...(key !== undefined &&
    cert !== undefined && { httpsOptions: { key: readFileSync(key), cert: readFileSync(cert) } }),
});
// Deno has no signals of its own to listen to all at once.
app.enableShutdownHooks(['SIGTERM']);
await app.listen(0, '127.0.0.1');
console.log(`port ${(app.getHttpServer().address() as AddressInfo).port}`);
