import { buildSchema } from 'graphql';
import { createClient, makeServer, type ServerOptions } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, type FinishInfo } from 'nestjs-plack-websocket';
import { WebSocketServer } from 'ws';
import { afterTest } from '../../support/start-app.js';
import { beforeTaking, Opener, type Library } from '../library.js';

const options: ServerOptions = {
  schema: buildSchema(
    'type Query { echo(word: String!): String! } type Subscription { again(word: String!): String! }',
  ),
  roots: {
    query: { echo: ({ word }: { word: string }) => word },
    subscription: {
      async *again({ word }: { word: string }) {
        yield { again: word };
      },
    },
  },
};

const connections = new Set<Connection>();

@WsEndpoint({ path: 'library', protocols: ['graphql-transport-ws'] })
class HandedOverEndpoint {
  readonly #sockets = new WebSocketServer({ noServer: true });

  constructor() {
    useServer(options, this.#sockets);
  }

  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await beforeTaking.wait(connection);
    connections.add(connection);
    connection.on('finish', () => connections.delete(connection));
    this.#sockets.emit('connection', connection.handOver(), connection.context.raw);
  }
}

interface State extends Record<string, unknown> {
  hear: (text: string) => Promise<void>;
  leave: (code: number, reason: string) => Promise<void>;
}

/** graphql-ws has a server for any kind of socket; it needs none. */
@WsEndpoint({ path: 'library', protocols: ['graphql-transport-ws'] })
class RawEndpoint {
  readonly #server = makeServer(options);

  @OnEstablish()
  async enter(connection: Connection<unknown, State>): Promise<void> {
    await beforeTaking.wait(connection);
    connections.add(connection);
    const leave = this.#server.opened(
      {
        protocol: connection.protocol,
        send: async (text) => void (await connection.send(text)),
        close: (code, reason) => connection.close(code, reason),
        onMessage: (hear) => (connection.data.hear = hear),
      },
      undefined,
    );
    connection.data.leave = async (code, reason) => leave(code, reason);
  }

  @OnMessage()
  message({ data }: Connection<unknown, State>, text: string): Promise<void> {
    return data.hear(text);
  }

  @OnFinish()
  async leave(connection: Connection<unknown, State>, { code, reason }: FinishInfo): Promise<void> {
    connections.delete(connection);
    await connection.data.leave(code, reason);
  }
}

const library: Omit<Library, 'endpoint'> = {
  async open(url) {
    const opener = new Opener();
    const client = createClient({
      url,
      webSocketImpl: opener.webSocket,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
    });
    afterTest(() => client.dispose());
    await opener.opened;
    const ask = async (word: string, n: number): Promise<string> => {
      const kind = n % 2 === 0 ? 'query { answer: echo' : 'subscription { answer: again';
      const results = [];
      for await (const { data } of client.iterate<{ answer: string }>({ query: `${kind}(word: "${word}") }` }))
        results.push(data?.answer);
      return results.join();
    };
    return {
      ask: (words) => Promise.all(words.map(ask)),
      leave: () => client.dispose(),
      ended: opener.ended,
    };
  },
  clients: () => connections.size,
  close: () => {
    for (const connection of connections) connection.close(4400, 'enough');
    return 4400;
  },
};

export const graphqlHandedOver: Library = { ...library, endpoint: HandedOverEndpoint };
export const graphqlRaw: Library = { ...library, endpoint: RawEndpoint };
