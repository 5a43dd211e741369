import { expect, it } from '@jest/globals';
import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { Connection, OnEstablish, WsEndpoint } from 'nestjs-plack-websocket';
import { WebSocket, WebSocketServer } from 'ws';
import { afterTest, startApp } from '../../support/start-app.js';

// #region graphql-endpoint
const schema = buildSchema('type Query { echo(word: String!): String! } type Subscription { count(to: Int!): Int! }');
const roots = {
  query: { echo: ({ word }: { word: string }) => word },
  subscription: {
    async *count({ to }: { to: number }) {
      for (let count = 1; count <= to; count++) yield { count };
    },
  },
};

@WsEndpoint({ path: 'graphql', protocols: ['graphql-transport-ws'] })
class GraphqlEndpoint {
  /** graphql-ws hears of new sockets from a server of `ws`; this one takes none by itself. */
  readonly #sockets = new WebSocketServer({ noServer: true });

  constructor() {
    useServer({ schema, roots }, this.#sockets);
  }

  @OnEstablish()
  enter(connection: Connection): void {
    this.#sockets.emit('connection', connection.handOver(), connection.context.raw);
  }
}
// #endregion graphql-endpoint

it('the endpoint of docs/guide/11-recipes.md answers queries and subscriptions, and is drained', async () => {
  const app = await startApp({ endpoints: [GraphqlEndpoint], options: { login: ({ query }) => query['key'] === '1' } });
  const open = (key: number) => {
    const client = createClient({
      url: `ws://127.0.0.1:${app.port}/ws/graphql?key=${key}`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      lazyCloseTimeout: 60_000,
    });
    afterTest(() => client.dispose());
    return client;
  };
  const read = async (client: ReturnType<typeof open>, query: string): Promise<unknown[]> => {
    const results = [];
    for await (const { data } of client.iterate({ query })) results.push(data);
    return results;
  };
  const client = open(1);
  const closed = new Promise((resolve) => client.on('closed', resolve));
  expect(await read(client, '{ echo(word: "hello") }')).toEqual([{ echo: 'hello' }]);
  expect(await read(client, 'subscription { count(to: 3) }')).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
  await expect(read(open(2), '{ echo(word: "hello") }')).rejects.toBeDefined();
  expect(app.registry.size).toBe(1);
  await app.app.close();
  expect(await closed).toMatchObject({ code: 1001 });
  expect(app.logs.problems).toEqual([]);
});
