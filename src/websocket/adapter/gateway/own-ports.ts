import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { ListenOptions } from 'node:net';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import type { GatewayServer } from './gateway-server.js';

/** The HTTP servers of gateways that want a port of their own: one for each port. */
export class OwnPorts {
  readonly #servers = new Map<number, { readonly http: Server; readonly gateways: readonly GatewayServer[] }>();

  /** Makes the servers; they do not listen yet. @throws ConfigurationError where two gateways differ about one of them. */
  open(all: readonly GatewayServer[], serve: (server: Server, gateways: readonly GatewayServer[]) => void): void {
    for (const port of new Set(all.map((gateway) => gateway.port))) {
      if (port === 0) continue;
      const gateways = all.filter((gateway) => gateway.port === port);
      insistOnOneAddress(gateways);
      const http = createServer((_request, response) => {
        // A port of its own serves nothing but WebSockets.
        response.writeHead(426, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }).end();
      });
      this.#servers.set(port, { http, gateways });
      serve(http, gateways);
      for (const gateway of gateways) gateway.servedBy(http);
    }
  }

  /** Rejects with the error of a server that cannot listen. */
  async listen(): Promise<void> {
    for (const [port, { http, gateways }] of this.#servers) {
      http.listen({ ...listenOptionsOf(gateways), port });
      await once(http, 'listening');
      for (const gateway of gateways) gateway.tell('listening');
    }
  }

  close(): void {
    for (const { http } of this.#servers.values()) http.close();
    this.#servers.clear();
  }
}

function listenOptionsOf([first]: readonly GatewayServer[]): ListenOptions {
  const { host, backlog } = first?.options ?? {};
  return { ...(host !== undefined && { host }), ...(backlog !== undefined && { backlog }) };
}

function insistOnOneAddress(gateways: readonly GatewayServer[]): void {
  const [first, ...others] = gateways;
  for (const other of others) {
    for (const name of ['host', 'backlog'] as const) {
      if (first === undefined || first.options[name] === other.options[name]) continue;
      throw new ConfigurationError(
        `@WebSocketGateway of ${first.name} and of ${other.name} share port ${first.port} and differ about ${name}. ` +
          'Give both the same value, or give them different ports.',
      );
    }
  }
}
