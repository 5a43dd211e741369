import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { Server, WebSocket } from 'ws';
import type { ConnectOptions, QueuedClient } from '../../../src/testing.js';
import { connect } from '../../support/connect.js';
import { RawPeer } from '../../support/raw-peer.js';
import { afterTest, type AppSpec, type StartedApp } from '../../support/start-app.js';
import { startGateways, type Installation } from './start-gateways.js';

/** What is asked of a gateway that shows how its options work. */
export interface Probe {
  readonly server: Server;
  /** The clients that came, with their requests. */
  readonly clients: readonly (readonly [client: WebSocket, request: IncomingMessage])[];
  /** How often the server said that it listens. */
  readonly listened: number;
}

/** A probe that runs. */
export class StartedProbe {
  constructor(
    readonly app: StartedApp,
    readonly gateway: Probe,
    readonly port: number,
  ) {}

  async connect(path: string, options?: Partial<ConnectOptions>): Promise<QueuedClient> {
    const client = await connect(new URL(`http://127.0.0.1:${this.port}`), path, options);
    afterTest(() => client.terminate());
    return client;
  }

  /** Sends a question and gives the answer. */
  async ask(path: string, data: unknown = 1, options?: Partial<ConnectOptions>): Promise<unknown> {
    const client = await this.connect(path, options);
    await client.send({ event: 'ask', data });
    return client.nextJson();
  }

  /** A peer that has upgraded. */
  async peer(path: string): Promise<RawPeer> {
    const peer = await RawPeer.open(this.port);
    afterTest(() => peer[Symbol.asyncDispose]());
    await peer.upgrade({ path });
    return peer;
  }
}

/** Starts a gateway with these options, and a port of its own if one is named. */
export async function startProbe(
  installation: Installation,
  options: object,
  { port, ...spec }: AppSpec & { readonly port?: number } = {},
): Promise<StartedProbe> {
  const decorate = port === undefined ? WebSocketGateway(options) : WebSocketGateway(port, options);
  @decorate
  class Probing implements OnGatewayInit, OnGatewayConnection, Probe {
    @WebSocketServer()
    readonly server!: Server;
    readonly clients: (readonly [WebSocket, IncomingMessage])[] = [];

    listened = 0;

    afterInit(server: Server): void {
      server.on('listening', () => this.listened++);
    }

    handleConnection(client: WebSocket, request: IncomingMessage): void {
      this.clients.push([client, request]);
    }

    @SubscribeMessage('ask')
    ask(@MessageBody() data: unknown): unknown {
      return { event: 'answer', data };
    }

    @SubscribeMessage('leave')
    leave(@ConnectedSocket() client: WebSocket): void {
      client.close(4000);
    }
  }
  const app = await startGateways([Probing], spec, installation);
  const gateway = app.app.get<Probe>(Probing);
  const own = gateway.server as Server & { _server?: { listening: boolean } };
  // The stock adapter does not wait until it listens.
  if (own._server !== undefined && own._server !== null && !own._server.listening) await once(own, 'listening');
  return new StartedProbe(app, gateway, port ?? app.port);
}
