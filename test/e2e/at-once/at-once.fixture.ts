import 'reflect-metadata';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { of } from 'rxjs';
import {
  Connection,
  ConnectionRegistry,
  OnMessage,
  PlackWebSocketModule,
  Serializer,
  type ValueSerializer,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../../src/index.js';
import { RESULTS, SECRET, type Result } from './results.js';

/** What a callback gives instead of an answer. */
function give(result: Result): unknown {
  switch (result) {
    case 'undefined':
      return undefined;
    case 'null':
      return null;
    case 'a number':
      return 42;
    case 'a promise':
      return Promise.resolve('later');
    case 'a promise that rejects':
      return Promise.reject(new Error(SECRET));
    case 'a thenable that throws':
      // oxlint-disable-next-line unicorn/no-thenable -- to be one is the point
      return { then: fail };
    case 'an Observable':
      return of('item');
    case 'an object with a length':
      return { length: 5 };
    case 'a list':
      return ['text'];
    case 'a view of other numbers':
      return new Uint16Array(4);
    case 'a proxy of bytes':
      return new Proxy(Buffer.from('bytes'), {});
    case 'an impostor of bytes':
      return Object.create(Uint8Array.prototype);
  }
}

function fail(): never {
  throw new Error(SECRET);
}

/** A serializer that forgets itself over one value, either way. */
class Careless extends Serializer {
  constructor(private readonly result: Result) {
    super();
  }

  override encode(value: unknown): string {
    return isBad(value) ? (give(this.result) as string) : JSON.stringify(value);
  }

  override decode(data: string | Buffer): unknown {
    return String(data) === 'bad' ? give(this.result) : JSON.parse(String(data));
  }
}

/** Alone, or as the data of an event. */
function isBad(value: unknown): boolean {
  return value === 'bad' || (value as { data?: unknown } | undefined)?.data === 'bad';
}

function carelessEndpoint(path: string, serializer: ValueSerializer): Type {
  @WsEndpoint({ path, serializer })
  class CarelessEndpoint {
    constructor(private readonly registry: ConnectionRegistry) {}

    @OnMessage('reply')
    reply(): string {
      return 'bad';
    }

    @OnMessage('stream')
    stream() {
      return of('bad');
    }

    @OnMessage('send')
    async send(connection: Connection): Promise<unknown> {
      void connection.send('bad');
      return connection.send('bad').then(
        () => 'sent',
        (error: Error) => [error.name, error.message],
      );
    }

    @OnMessage('send nothing')
    sendNothing(connection: Connection): Promise<unknown> {
      return connection.send(undefined).catch((error: Error) => error.message);
    }

    @OnMessage('broadcast')
    broadcast(): unknown {
      return this.registry.broadcast('bad');
    }

    @OnMessage('echo')
    echo(_connection: Connection, data: unknown): unknown {
      return data;
    }
  }
  return CarelessEndpoint;
}

@WsEndpoint({ path: 'json', serializer: 'json' })
class JsonEndpoint {
  @OnMessage('hear')
  hear(): void {}
}

const options = {
  ...(process.env['USER_ID'] === undefined
    ? {}
    : { limits: { maxConnectionsPerUser: 1 }, userId: () => give(process.env['USER_ID'] as Result) }),
  ...(process.env['TRUST_PROXY'] === undefined ? {} : { trustProxy: () => give(process.env['TRUST_PROXY'] as Result) }),
} as PlackWebSocketModuleOptions;

@Module({
  imports: [PlackWebSocketModule.forRoot(options)],
  providers: [
    ...RESULTS.map((result) => carelessEndpoint(encodeURIComponent(result), new Careless(result))),
    // As people write them: `JSON.stringify` gives `undefined` for `undefined`.
    carelessEndpoint('plain', { encode: JSON.stringify, decode: JSON.parse as never }),
    JsonEndpoint,
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
process.send?.({ port: ((app.getHttpServer() as Server).address() as AddressInfo).port });
