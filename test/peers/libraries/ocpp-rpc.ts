import { Connection, OnEstablish, WsEndpoint } from 'nestjs-plack-websocket';
import { createRequire } from 'node:module';
import type { EventEmitter } from 'node:events';
import { afterTest } from '../../support/start-app.js';
import { beforeTaking, type Library } from '../library.js';

/** As its documentation has it; its types ask for more options than it does. */
interface Client extends EventEmitter {
  connect(): Promise<unknown>;
  call(method: string, params: unknown): Promise<unknown>;
  handle(method: string, handler: (call: { params: unknown }) => unknown): void;
  close(options?: { code?: number; reason?: string; force?: boolean }): Promise<unknown>;
}

const load = createRequire(import.meta.url);
const { RPCClient } = load('ocpp-rpc') as { RPCClient: new (options: object) => Client };
const RPCServerClient = load('ocpp-rpc/lib/server-client') as new (options: object, socket: object) => Client;

const clients = new Set<Client>();

@WsEndpoint({ path: 'library/:identity', protocols: ['ocpp1.6'] })
class ChargePointEndpoint {
  @OnEstablish()
  async enter(connection: Connection): Promise<void> {
    await beforeTaking.wait(connection);
    const { params, headers, raw: request } = connection.context;
    const identity = String(params['identity']);
    const client = new RPCServerClient(
      { identity, reconnect: false, callConcurrency: 10 },
      { ws: connection.handOver(), session: {}, handshake: { identity, headers, request } },
    );
    clients.add(client);
    client.once('close', () => clients.delete(client));
    client.handle('Echo', (call) => call.params);
    // Asks back: both sides call each other over the one socket.
    client.handle('Ask', async (call) => client.call('Echo', call.params));
  }
}

export const ocppRpc: Library = {
  endpoint: ChargePointEndpoint,
  async open(url) {
    const client = new RPCClient({
      endpoint: url,
      identity: 'station one',
      protocols: ['ocpp1.6'],
      reconnect: false,
      callConcurrency: 1000,
    });
    client.handle('Echo', (call) => call.params);
    const ended = new Promise<{ code: number; reason: string }>((resolve) => client.once('close', resolve));
    await client.connect();
    afterTest(() => client.close({ force: true }));
    return {
      ask: (words) =>
        Promise.all(
          words.map(async (word, n) => {
            const answer = (await client.call(n % 2 === 0 ? 'Echo' : 'Ask', { word })) as { word: string };
            return answer.word;
          }),
        ),
      leave: () => client.close({ code: 1000 }),
      ended,
    };
  },
  clients: () => clients.size,
  close: () => {
    for (const client of clients) void client.close({ code: 4001, reason: 'replaced' });
    return 4001;
  },
};
