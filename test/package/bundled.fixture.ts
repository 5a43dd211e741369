import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ForbiddenException, Module, Param, ParseIntPipe, UseGuards, type CanActivate } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Connection,
  ConnectionRegistry,
  OnError,
  OnEstablish,
  OnMessage,
  PlackWebSocketModule,
  Serializer,
  WsEndpoint,
  type ErrorHookClass,
  type HandshakeHookClass,
  type HttpReply,
  type LoginHookClass,
  type RequestContext,
  type UpgradeFailure,
} from '../../src/index.js';

// No module provides these classes: the library builds them.
class Handshake implements HandshakeHookClass {
  handshake(context: RequestContext): void {
    context.user = context.query['name'];
  }
}

class Login implements LoginHookClass {
  login({ query }: RequestContext): boolean {
    return query['name'] !== undefined;
  }
}

class Errors implements ErrorHookClass {
  onError({ error, status }: UpgradeFailure): HttpReply {
    return { status, body: `refused: ${error}` };
  }
}

class Shouting extends Serializer {
  override encode(value: unknown): string {
    return String(value).toUpperCase();
  }

  override decode(data: string | Buffer): unknown {
    return String(data);
  }
}

class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class Oops extends Error {}

@UseGuards(Guard)
@WsEndpoint({ path: 'rooms/:room', serializer: Shouting })
class Rooms {
  constructor(private readonly registry: ConnectionRegistry) {}

  @OnEstablish()
  enter(connection: Connection<string>, @Param('room', ParseIntPipe) room: number): void {
    void connection.send(`${connection.user} in ${typeof room} ${room}`);
  }

  @OnMessage()
  say(text: string): string {
    if (text === 'oops') throw new Oops('oops');
    if (text === 'forbidden') throw new ForbiddenException();
    return `${text} to ${this.registry.in(Rooms).size} and ${this.registry.in(Others).size}`;
  }

  @OnError()
  fail(_connection: Connection, error: unknown): string {
    return error instanceof Oops ? 'an oops' : 'something else';
  }
}

@WsEndpoint('others')
class Others {
  @OnMessage()
  echo(text: string): string {
    return text;
  }
}

@Module({
  imports: [PlackWebSocketModule.forRoot({ handshake: Handshake, login: Login, onError: Errors })],
  providers: [Rooms, Others],
})
class AppModule {}

async function start(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  process.send?.({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });
}

void start();
