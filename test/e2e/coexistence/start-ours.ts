import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { expect } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../../src/index.js';
import type { QueuedClient } from '../../../src/testing.js';
import { afterTest, startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(_connection: Connection, message: unknown): unknown {
    return message;
  }
}

@WsEndpoint({
  path: 'closed',
  handshake: () => {
    throw new HttpException({ why: 'not today' }, 403);
  },
})
class Closed {
  @OnEstablish()
  enter(): void {}
}

/** Boots our endpoints. */
export function startOurs(spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ ...spec, endpoints: [Echo, Closed, ...(spec.endpoints ?? [])] });
}

/** Our endpoint gives back what it is told. */
export async function expectEcho(client: QueuedClient, word: string): Promise<void> {
  await client.send(word);
  expect(await client.next()).toBe(word);
}

/** A server that is neither ours nor the neighbour's. */
export async function borrowServer(): Promise<Server> {
  const server = createServer((_request, response) => response.end('a page of the owner'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => server.close());
  return server;
}

/** What a user of a server may leave behind on it. */
export function tracesOn(server: Server): object {
  return {
    listeners: server.listenerCount('upgrade'),
    ownEmit: Object.getOwnPropertyDescriptor(server, 'emit'),
    shouldUpgrade: Object.getOwnPropertyDescriptor(server, 'shouldUpgradeCallback'),
  };
}
