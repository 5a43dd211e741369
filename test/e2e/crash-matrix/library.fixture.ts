import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
} from '../../../src/index.js';
import { gate, misbehave, report } from './misbehaviour.js';

@WsEndpoint({ path: 'fault', serializer: 'json' })
class FaultEndpoint {
  @OnEstablish()
  establish(connection: Connection): unknown {
    const { name, onMessage, onFinish, gate: waits, establish } = connection.query;
    if (onMessage) {
      connection.on('message', (_connection, message) => {
        if (!JSON.stringify(message).includes('"fault"')) return;
        report('onMessage', name);
        return misbehave(onMessage);
      });
    }
    if (onFinish) {
      connection.on('finish', () => {
        report('onFinish', name);
        return misbehave(onFinish);
      });
    }
    report('establish', name);
    if (waits) return gate();
    // The promise of `send` is ignored, as many an application does.
    return misbehave(establish, (value) => void connection.send(value));
  }

  @OnMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return { event: 'echo', data };
  }

  @OnMessage('fault')
  fault(connection: Connection, @MessageBody() { kind }: { kind: string }): unknown {
    report('message', connection.query['name']);
    return misbehave(kind);
  }

  @OnError()
  error(connection: Connection): unknown {
    return misbehave(connection.query['error']);
  }

  @OnFinish()
  finish(connection: Connection): unknown {
    const { name, finish } = connection.query;
    report('finish', name);
    return misbehave(finish, (value) => void connection.send(value));
  }
}

@Module({ imports: [PlackWebSocketModule.forRoot({ path: '/ws' })], providers: [FaultEndpoint] })
class LibraryModule {}

const app = await NestFactory.create(LibraryModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const server: Server = app.getHttpServer();
process.send?.({ port: (server.address() as AddressInfo).port });
