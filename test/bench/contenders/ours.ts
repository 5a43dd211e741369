import 'reflect-metadata';
import { Module, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody } from '@nestjs/websockets';
import type { ContenderServer, TextData } from './contender.js';
import { PassGuard, PassInterceptor, PassPipe } from './enhancers.js';
import { listeningPort } from './listening-port.js';

type Library = typeof import('nestjs-plack-websocket');

/** The library under test, loaded from `libraryUrl` so that the build of any commit can stand here. */
export async function startOurs(libraryUrl: string): Promise<ContenderServer> {
  const library = (await import(libraryUrl)) as Library;
  const { ConnectionRegistry } = library;
  const app = await NestFactory.create(declareModule(library), { logger: ['warn'] });
  await app.listen(0, '127.0.0.1');
  const registry = app.get(ConnectionRegistry);
  return {
    port: listeningPort(app.getHttpServer()),
    connectionCount: () => registry.size,
    broadcast: (text) => {
      void registry.broadcast({ event: 'news', data: { text } });
    },
  };
}

// Decorators run where a class is declared, and the library is known only at run time: hence classes in a function.
function declareModule({ OnMessage, PlackWebSocketModule, WsEndpoint }: Library): new () => object {
  @WsEndpoint('raw')
  class RawEndpoint {
    @OnMessage()
    echo(@MessageBody() message: string): string {
      return message;
    }
  }

  @WsEndpoint({ path: 'events', serializer: 'json' })
  class EventEndpoint {
    @OnMessage('echo')
    echo(@MessageBody() data: TextData): object {
      return { event: 'echo', data };
    }

    @UseGuards(PassGuard)
    @UseInterceptors(PassInterceptor)
    @UsePipes(PassPipe)
    @OnMessage('checked')
    checked(@MessageBody() data: TextData): object {
      return { event: 'checked', data };
    }
  }

  @Module({ imports: [PlackWebSocketModule.forRoot({ path: '/ws' })], providers: [RawEndpoint, EventEndpoint] })
  class BenchModule {}
  return BenchModule;
}
