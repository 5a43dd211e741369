/*
 * Two applications with the same pages: ours, with endpoints beside them, and one without this library, which knows what
 * a bare server answers. Both count what they are asked for.
 */
import 'reflect-metadata';
import { Readable } from 'node:stream';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpException,
  Module,
  Param,
  Post,
  Sse,
  StreamableFile,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Observable } from 'rxjs';
import { OnEstablish, OnMessage, PlackWebSocketModule, WsEndpoint } from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import type { PageCounts } from './conversation/page-counts.js';

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

@WsEndpoint({ path: 'asked', handshake: () => new Promise((resolve) => setTimeout(resolve, 3, undefined)) })
class AskedFirst extends Echo {}

@WsEndpoint({
  path: 'closed',
  handshake: () => {
    throw new HttpException({ why: 'not today' }, 403);
  },
})
class Closed {
  @OnEstablish()
  enter(): void {}
}

@Controller()
class Pages {
  @Get('fast')
  fast(): string {
    return 'a fast page';
  }

  @Get('slow/:ms')
  slow(@Param('ms') ms: string): Promise<string> {
    return new Promise((resolve) => {
      setTimeout(resolve, Number(ms), `a page after ${ms} ms`);
    });
  }

  @Get('long')
  long(): StreamableFile {
    return new StreamableFile(Readable.from(Array.from({ length: 3 }, (_, part) => Buffer.alloc(90_000, 65 + part))));
  }

  @Get('empty')
  @HttpCode(204)
  empty(): void {}

  @Get('last')
  @Header('Connection', 'close')
  last(): string {
    return 'the last page';
  }

  @Post('letters')
  letter(@Body() body: unknown): unknown {
    return { received: body };
  }

  @Sse('endless')
  endless(): Observable<{ data: string }> {
    return new Observable((subscriber) => {
      endless += 1;
      const timer = setInterval(() => subscriber.next({ data: 'and on' }), 5);
      return () => {
        endless -= 1;
        clearInterval(timer);
      };
    });
  }
}

@Module({
  imports: [PlackWebSocketModule.forRoot({ handshakeTimeoutMs: 2_000 })],
  controllers: [Pages],
  providers: [Echo, AskedFirst, Closed],
})
class OurModule {}

@Module({ controllers: [Pages] })
class BareModule {}

let endless = 0;

/** Counts from outside what a server is asked for. */
class Counter {
  #connections = 0;
  readonly #unfinished = new Set<object>();

  constructor(
    readonly server: Server,
    connectionEvent: 'connection' | 'secureConnection',
  ) {
    server.on(connectionEvent, () => (this.#connections += 1));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const handled = {};
      this.#unfinished.add(handled);
      const finish = (): unknown => this.#unfinished.delete(handled);
      request.once('close', finish);
      response.once('finish', finish);
    });
  }

  async counts(): Promise<PageCounts> {
    const open = await new Promise<number>((resolve, reject) => {
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
    return { connections: this.#connections, open, unfinished: this.#unfinished.size, endless };
  }
}

async function start(module: new () => object): Promise<Counter> {
  const https = process.env['PAGES_TLS'] === 'on' ? certificate : undefined;
  const logger = (process.env['PAGES_LOG'] ?? 'error,warn').split(',') as ('error' | 'warn' | 'fatal')[];
  const app: INestApplication<Server> =
    process.env['PAGES_PLATFORM'] === 'fastify'
      ? await NestFactory.create<INestApplication<Server>>(
          module,
          new FastifyAdapter(https === undefined ? {} : { https }),
          { logger },
        )
      : await NestFactory.create(module, { logger, ...(https === undefined ? {} : { httpsOptions: https }) });
  const counter = new Counter(app.getHttpServer(), https === undefined ? 'connection' : 'secureConnection');
  await app.listen(0, '127.0.0.1');
  return counter;
}

const [ours, bare] = [await start(OurModule), await start(BareModule)];

process.on('message', (message) => {
  const { count } = Object(message) as { count?: number };
  if (count === undefined) return;
  void Promise.all([ours.counts(), bare.counts()]).then(([counted, expected]) =>
    process.send?.({ [`counted ${count}`]: { ours: counted, bare: expected } }),
  );
});

process.send?.({ barePort: (bare.server.address() as AddressInfo).port });
process.send?.({ port: (ours.server.address() as AddressInfo).port });
