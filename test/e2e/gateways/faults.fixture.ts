import 'reflect-metadata';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { PlackWebSocketModule } from '../../../src/index.js';

const faults = new WeakMap<WebSocket, string>();

/** Does what the query of the client says. */
function fail(hook: string, fault: string | undefined): unknown {
  if (fault === `throw in ${hook}`) throw new Error(`a secret of ${hook}`);
  if (fault === `reject in ${hook}`) return Promise.reject(new Error(`a secret of ${hook}`));
  if (fault === `reject nothing in ${hook}`) return Promise.resolve().then(throwNothing);
  return undefined;
}

function throwNothing(): never {
  throw undefined;
}

abstract class Faulty implements OnGatewayConnection, OnGatewayDisconnect {
  handleConnection(client: WebSocket, request: IncomingMessage): unknown {
    const fault = new URL(request.url ?? '', 'ws://host').searchParams.get('fault') ?? '';
    faults.set(client, fault);
    return fail('handleConnection', fault);
  }

  @SubscribeMessage('echo')
  echo(): unknown {
    return { event: 'echo' };
  }

  handleDisconnect(client: WebSocket): unknown {
    const fault = faults.get(client);
    process.send?.({ [`disconnected after: ${fault}`]: true });
    return fail('handleDisconnect', fault);
  }
}

@WebSocketGateway({ path: '/singleton' })
class Singleton extends Faulty {}

@Injectable({ scope: Scope.REQUEST })
class Notes {}

@WebSocketGateway({ path: '/scoped' })
class Scoped extends Faulty {
  constructor(@Inject(Notes) readonly notes: Notes) {
    super();
  }
}

/** Hooks that every instance has for itself; the class has none. */
@WebSocketGateway({ path: '/scoped-properties' })
class ScopedProperties {
  constructor(@Inject(Notes) readonly notes: Notes) {}

  readonly handleConnection = (client: WebSocket, request: IncomingMessage): unknown =>
    Faulty.prototype.handleConnection.call(this as unknown as Faulty, client, request);

  readonly handleDisconnect = (client: WebSocket): unknown =>
    Faulty.prototype.handleDisconnect.call(this as unknown as Faulty, client);
}

@WebSocketGateway({ path: '/properties' })
class Properties {
  readonly handleConnection = (client: WebSocket, request: IncomingMessage): unknown =>
    Faulty.prototype.handleConnection.call(this as unknown as Faulty, client, request);

  readonly handleDisconnect = (client: WebSocket): unknown =>
    Faulty.prototype.handleDisconnect.call(this as unknown as Faulty, client);
}

@Injectable({ scope: Scope.REQUEST })
class Broken {
  constructor() {
    throw new Error('a secret of a constructor');
  }
}

@WebSocketGateway({ path: '/broken' })
class Unbuildable extends Faulty {
  constructor(@Inject(Broken) readonly broken: Broken) {
    super();
  }
}

@WebSocketGateway({ path: '/broken-properties' })
class UnbuildableProperties {
  constructor(@Inject(Broken) readonly broken: Broken) {}

  readonly handleConnection = (): void => undefined;
}

@Module({
  imports: [PlackWebSocketModule.forRoot({ gateways: true, handshakeTimeoutMs: 200 })],
  providers: [Singleton, Scoped, ScopedProperties, Properties, Notes, Unbuildable, UnbuildableProperties, Broken],
})
class AppModule {}

const settings = { logger: ['error', 'warn'] as ('error' | 'warn')[] };
const app =
  process.env['PLACK_TEST_PLATFORM'] === 'fastify'
    ? await NestFactory.create(AppModule, new FastifyAdapter(), settings)
    : await NestFactory.create(AppModule, settings);
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.send?.({ port: (server.address() as AddressInfo).port });
