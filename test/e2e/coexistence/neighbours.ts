import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { io } from 'socket.io-client';
import { WebSocket, WebSocketServer } from 'ws';
import { connect } from '../../support/connect.js';
import { patient } from '../../support/patience.js';
import { afterTest, rootModule, type AppSpec } from '../../support/start-app.js';

/** One open connection to a neighbour. */
export interface Conversation {
  /** Says a word and gives what comes back. */
  echo(word: string): Promise<unknown>;
  /** Settles when the connection is over. */
  readonly ended: Promise<unknown>;
}

/** Somebody else who takes upgrades on the same server, with the package that applications really use. */
export interface Neighbour {
  readonly name: string;
  /** What makes it part of an application of ours. */
  readonly inside: Pick<AppSpec, 'providers' | 'configure'>;
  /** Settles on a server that is not ours. */
  settle(server: Server): unknown;
  /** Opens a connection to it; it is closed after the test. */
  talk(server: Server): Promise<Conversation>;
}

@WebSocketGateway({ path: '/stock' })
class StockGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return { event: 'echo', data };
  }
}

export const stockGateway = {
  name: 'a gateway on the stock WsAdapter',
  inside: {
    providers: [StockGateway],
    configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
  },
  settle: settleStock,
  talk: async (server) => {
    const client = await connect(server, '/stock');
    afterTest(() => client.terminate());
    return {
      echo: async (word) => {
        await client.send({ event: 'echo', data: word });
        return (await client.nextJson<{ data: unknown }>()).data;
      },
      ended: client.closed({ timeoutMs: Infinity }),
    };
  },
} satisfies Neighbour;

@WebSocketGateway()
class SocketIoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

export const socketIo: Neighbour = {
  name: 'a socket.io gateway',
  // The adapter that Nest takes when an application names none.
  inside: { providers: [SocketIoGateway] },
  settle: (server) => settleGateway(SocketIoGateway, new IoAdapter(server)),
  talk: async (server) => {
    const client = io(originOf(server), { forceNew: true, reconnection: false });
    afterTest(() => client.disconnect());
    const { engine } = client.io;
    // It starts with plain HTTP requests and only then asks for an upgrade, as socket.io clients do.
    await new Promise((resolve, reject) => {
      client.once('connect_error', reject);
      engine.once('upgrade', resolve);
    });
    return {
      echo: (word) => client.timeout(patient(2_000)).emitWithAck('echo', word),
      ended: new Promise((resolve) => client.once('disconnect', resolve)),
    };
  },
};

const graphqlWs: Neighbour = {
  name: 'graphql-ws',
  inside: { configure: (app) => settleGraphql(app.getHttpServer()) },
  settle: settleGraphql,
  talk: async (server) => {
    const client = createClient({
      url: `${originOf(server).replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      lazy: false,
      retryAttempts: 0,
    });
    afterTest(() => client.dispose());
    await new Promise((resolve, reject) => {
      client.on('connected', resolve);
      client.on('error', reject);
    });
    return {
      echo: async (word) => {
        const results = client.iterate({
          query: 'query Echo($word: String!) { echo(word: $word) }',
          variables: { word },
        });
        const { value } = await results.next();
        return value?.data?.['echo'];
      },
      ended: new Promise((resolve) => client.on('closed', resolve)),
    };
  },
};

const wsWithPath: Neighbour = {
  name: 'ws({ server, path })',
  inside: { configure: (app) => settleWs(app.getHttpServer()) },
  settle: settleWs,
  talk: (server) => talkText(server, '/plain-ws'),
};

const politeListener: Neighbour = {
  name: 'a listener that leaves alone what is not its own',
  inside: { configure: (app) => settlePolite(app.getHttpServer()) },
  settle: settlePolite,
  talk: (server) => talkText(server, '/hot-reload'),
};

export const NEIGHBOURS: readonly Neighbour[] = [stockGateway, socketIo, graphqlWs, wsWithPath, politeListener];

function settleStock(server: Server): Promise<INestApplication> {
  return settleGateway(StockGateway, new WsAdapter(server));
}

async function settleGateway(gateway: new () => object, adapter: WsAdapter | IoAdapter): Promise<INestApplication> {
  const app = await NestFactory.create(rootModule({ options: false, providers: [gateway] }), { logger: false });
  afterTest(() => app.close());
  app.useWebSocketAdapter(adapter);
  return app.init();
}

function settleGraphql(server: Server): void {
  // #region graphql
  const schema = buildSchema('type Query { echo(word: String!): String! }');
  const roots = { query: { echo: ({ word }: { word: string }) => word } };
  const served = useServer({ schema, roots }, new WebSocketServer({ server, path: '/graphql' }));
  // #endregion graphql
  afterTest(() => served.dispose());
}

function settleWs(server: Server): void {
  const served = new WebSocketServer({ server, path: '/plain-ws' });
  served.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  afterTest(() => served.close());
}

/** As the development server of a bundler does it. */
function settlePolite(server: Server): void {
  const served = new WebSocketServer({ noServer: true });
  served.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/hot-reload') return;
    served.handleUpgrade(request, socket, head, (client) => served.emit('connection', client, request));
  });
}

async function talkText(server: Server, path: string): Promise<Conversation> {
  const client = await connect(server, path);
  afterTest(() => client.terminate());
  return {
    echo: async (word) => {
      await client.send(word);
      return client.next();
    },
    ended: client.closed({ timeoutMs: Infinity }),
  };
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
