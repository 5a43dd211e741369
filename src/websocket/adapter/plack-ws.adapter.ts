import type { Server } from 'node:http';
import { Injectable, type WebSocketAdapter, type WsMessageHandler } from '@nestjs/common';
import type { GatewayConnect, GatewayServer } from './gateway/gateway-server.js';
import type { GatewayMessageParser } from './gateway/message-parser.js';
import type { GatewayOptions } from './gateway/gateway-options.js';
import { GatewayServers } from './gateway/gateway-servers.js';
import { ServerAssembly } from './server-assembly.js';
import { shareClass } from '../copies/shared-class.js';

/**
 * Serves the endpoints of an application on its HTTP server; the module does that without being asked.
 *
 * It is a `WebSocketAdapter` of Nest as well: with `forRoot({ gateways: true })`, or
 * `app.useWebSocketAdapter(app.get(PlackWsAdapter))` before the application is initialized, stock `@WebSocketGateway`
 * classes run on it with the handshake, limits, registry and drain of the module.
 *
 * In an application context or a microservice, which have no HTTP server, it does nothing.
 *
 * @example
 * ```ts
 * const detach = app.get(PlackWsAdapter).attach(createServer(tlsOptions).listen(8443));
 * ```
 */
@Injectable()
export class PlackWsAdapter implements WebSocketAdapter<GatewayServer> {
  /** @internal */
  constructor(
    private readonly assembly: ServerAssembly,
    private readonly gateways: GatewayServers,
  ) {
    gateways.belongTo(this);
  }

  /**
   * Serves the endpoints on a further HTTP or HTTPS server as well, such as a second one for TLS. The application keeps
   * the server: it listens and closes it.
   *
   * @returns a function that takes off what was attached.
   * @throws ConfigurationError before the application is initialized.
   */
  attach(server: Server): () => void {
    return this.assembly.attach(server);
  }

  /**
   * Reads the messages of all gateways with a function in the place of `JSON.parse`, as `setMessageParser` of the stock
   * adapter does: `app.get(PlackWsAdapter).setMessageParser(parse)`. It gets text as a string and a binary message as a
   * Buffer, and gives `{ event, data }`; a message for which it gives nothing is passed over. A throw is logged, and that
   * message is passed over. Endpoints have serializers instead.
   */
  setMessageParser(parse: GatewayMessageParser): void {
    this.gateways.parseWith(parse);
  }

  /**
   * Part of Nest's `WebSocketAdapter`: makes the server of a stock gateway.
   * @throws ConfigurationError for an option that this adapter cannot honour, such as a namespace, and where gateways that
   * share a server differ about one.
   */
  create(port: number, options: GatewayOptions = {}): GatewayServer {
    return this.gateways.create(port, options);
  }

  /** Part of Nest's `WebSocketAdapter`. */
  bindClientConnect(server: GatewayServer, callback: GatewayConnect): void {
    server.onConnect(callback);
  }

  /** Part of Nest's `WebSocketAdapter`; the callback gets the close code, as from the stock adapter. */
  bindClientDisconnect(client: unknown, callback: (reason: unknown) => unknown): void {
    this.gateways.onDisconnect(client, callback);
  }

  /** Part of Nest's `WebSocketAdapter`. */
  bindMessageHandlers(client: unknown, handlers: WsMessageHandler[]): void {
    this.gateways.bindMessages(client, handlers);
  }

  /** Part of Nest's `WebSocketAdapter`: ends all connections politely, unless the drain has done so. */
  async close(server: GatewayServer): Promise<void> {
    await this.assembly.drain();
    if (!server.isClosing) server.close();
  }

  /** Part of Nest's adapters: takes off what was attached to HTTP servers. */
  dispose(): void {
    this.assembly.detach();
  }
}

shareClass(PlackWsAdapter, 'PlackWsAdapter');
