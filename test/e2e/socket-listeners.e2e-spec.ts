import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { WebSocketServer, type WebSocket } from 'ws';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../src/index.js';
import { connect } from '../support/connect.js';
import { Journal } from '../support/journal.js';
import { afterTest, startApp } from '../support/start-app.js';

const EVENTS = ['error', 'data', 'end', 'close', 'timeout', 'drain', 'readable'];

function listenersOf(socket: Socket): Record<string, number> {
  return Object.fromEntries(EVENTS.map((event) => [event, socket.listenerCount(event)]));
}

/** What a plain `ws` server has on its socket on this version of Node: the least that is needed. */
async function listenersOfPlainWs(): Promise<Record<string, number>> {
  const server = createServer();
  const wss = new WebSocketServer({ server });
  afterTest(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(wss, 'connection') as Promise<[WebSocket, { socket: Socket }]>;
  const client = await connect(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), '/');
  afterTest(() => client.terminate());
  const [, { socket }] = await accepted;
  return listenersOf(socket);
}

describe('the listeners on a socket', () => {
  it.each(['', '?slow', '?handlers'])(
    'are those of ws once it is established, and one for the end, after any handshake (%s)',
    async (query) => {
      const established = new Journal<Connection>();
      class Any {
        @OnEstablish()
        enter(connection: Connection): void {
          if (connection.query['handlers'] !== undefined) {
            for (let count = 0; count < 50; count++) connection.on('message', () => undefined);
            for (let count = 0; count < 50; count++) connection.on('finish', () => undefined);
          }
          established.add(connection);
        }

        @OnMessage()
        echo(_connection: Connection, message: string): string {
          return message;
        }
      }
      const endpoints = Array.from({ length: 12 }, (_, index) => {
        const Endpoint = { [`Any${index}`]: class extends Any {} }[`Any${index}`] as typeof Any;
        WsEndpoint(`any/${index}`)(Endpoint);
        return Endpoint;
      });
      const warnings: Error[] = [];
      const onWarning = (warning: Error): void => void warnings.push(warning);
      process.on('warning', onWarning);
      afterTest(() => process.off('warning', onWarning));
      const app = await startApp({
        endpoints,
        options: {
          handshake: ({ query: { slow } }) =>
            slow === undefined ? undefined : new Promise<void>((resolve) => setImmediate(resolve)),
        },
      });
      const client = await app.connect(`/ws/any/7${query}`);
      const { context, raw } = await established.next();
      await client.send('through');
      expect(await client.next()).toBe('through');
      const plain = await listenersOfPlainWs();
      // One parses what is left before `ws` ends its parser; `ws` has no event for the end of the peer's stream.
      expect(listenersOf(context.raw.socket)).toEqual({ ...plain, end: (plain['end'] ?? 0) + 2 });
      const { listenerCount } = raw as WebSocket;
      const counts = ['message', 'error', 'close'].map((event) => listenerCount.call(raw as WebSocket, event));
      // What `ws` says is heard without a listener, so an application that takes all off takes none of ours.
      expect(counts).toEqual([0, 0, 0]);
      expect(warnings).toEqual([]);
    },
  );
});
