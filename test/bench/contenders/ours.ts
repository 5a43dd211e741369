import 'reflect-metadata';
import { Module, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessageBody } from '@nestjs/websockets';
import type { ChannelOrder, ContenderServer, TextData } from './contender.js';
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
    channels: (order) => useChannels(registry, order),
  };
}

/** Made once: the names are not what is measured. */
const madeNames = new Map<string, readonly string[]>();

function namesOf(kind: string, count: number): readonly string[] {
  const key = `${kind} ${count}`;
  const names = madeNames.get(key) ?? Array.from({ length: count }, (_, n) => `${kind}${n}`);
  madeNames.set(key, names);
  return names;
}

function useChannels(registry: InstanceType<Library['ConnectionRegistry']>, order: ChannelOrder): void {
  const [connection] = registry;
  if (connection === undefined) throw new Error('no connection');
  const [names, others] = [namesOf('a', order.count), namesOf('b', order.count)];
  connection.setChannels([]);
  for (let time = 0; time < order.times; time += 1) {
    if (order.verb === 'setChannels') {
      connection.setChannels(time % 2 === 0 ? names : others);
    } else if (order.verb === 'join') {
      connection.join(names);
      connection.leave(names);
    } else {
      if (time === 0) connection.join(others);
      if (registry.to('*').except(names).size === 0) throw new Error('left out without a reason');
    }
  }
  connection.setChannels([]);
}

/** Other commits know other options. */
function limitsOf({ LimitsOptions }: Library): object {
  return 'maxChannels' in new LimitsOptions() ? { maxChannels: 100_000 } : {};
}

/** The events of one endpoint, each in a class of its own. Commits before there were parts are measured without. */
function declareParts(library: Library): (new () => object)[] {
  if (!('WsEndpointPart' in library)) return [];
  const { OnMessage, WsEndpoint, WsEndpointPart } = library;

  @WsEndpoint({ path: 'parts', serializer: 'json' })
  class WholeEndpoint {}

  @WsEndpointPart(WholeEndpoint)
  class Before {
    @OnMessage('before')
    before(): void {}
  }

  @WsEndpointPart(WholeEndpoint)
  class Echo {
    @OnMessage('echo')
    echo(@MessageBody() data: TextData): object {
      return { event: 'echo', data };
    }
  }

  @WsEndpointPart(WholeEndpoint)
  class After {
    @OnMessage('after')
    after(): void {}
  }
  return [WholeEndpoint, Before, Echo, After];
}

// Decorators run where a class is declared, and the library is known only at run time: hence classes in a function.
function declareModule(library: Library): new () => object {
  const { OnMessage, PlackWebSocketModule, WsEndpoint } = library;

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

  @Module({
    imports: [PlackWebSocketModule.forRoot({ path: '/ws', limits: limitsOf(library) })],
    providers: [RawEndpoint, EventEndpoint, ...declareParts(library)],
  })
  class BenchModule {}
  return BenchModule;
}
