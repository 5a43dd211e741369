import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { Connection, OnMessage, PlackWsAdapter, WsEndpoint } from '../../../src/index.js';
import { connect, type CloseInfo, type QueuedClient } from '../../../src/testing.js';
import { afterTest, startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';
import type { Neighbour } from './neighbours.js';

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
class Closed {}

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
  return { listeners: server.listenerCount('upgrade'), ownEmit: Object.getOwnPropertyDescriptor(server, 'emit') };
}

/** Closes an application while its endpoint and the neighbour have a client each; tells how ours ended. */
export async function closeWithBoth(neighbour: Neighbour): Promise<CloseInfo> {
  const ours = await startOurs(neighbour.inside);
  const theirs = await neighbour.talk(ours.app.getHttpServer());
  const client = await ours.connect('/ws/echo');
  await ours.app.close();
  await theirs.ended;
  return client.closed();
}

/** What holds beside every other user of upgrades: both work, and neither notices when the other comes or goes. */
export function sharesItsPortWith(neighbour: Neighbour): void {
  describe(`beside ${neighbour.name}, in one application`, () => {
    it('serves both', async () => {
      const ours = await startOurs(neighbour.inside);
      const server = ours.app.getHttpServer();
      const theirs = await neighbour.talk(server);
      const client = await ours.connect('/ws/echo');
      await expectEcho(client, 'one');
      expect(await theirs.echo('two')).toBe('two');
      expect(await (await neighbour.talk(server)).echo('three')).toBe('three');
      await expectEcho(await ours.connect('/ws/echo'), 'four');
      await expectEcho(client, 'five');
      expect(await theirs.echo('six')).toBe('six');
    });

    it('refuses on its own path with its own answer, once and whole', async () => {
      const ours = await startOurs(neighbour.inside);
      const peer = await ours.peer();
      const answer = await peer.upgrade({ path: '/ws/closed' });
      expect(answer).toMatchObject({ status: 403, body: '{"why":"not today"}' });
      expect(await peer.ended()).toBe('fin');
      expect(peer.unread).toHaveLength(0);
    });

    it('closes its connections with 1001 when the application stops', async () => {
      const ours = await startOurs(neighbour.inside);
      const client = await ours.connect('/ws/echo');
      await ours.app.close();
      expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    });
  });

  describe(`beside ${neighbour.name}, on a server of somebody else`, () => {
    it.each(['before', 'after'])('that was there %s, serves both and leaves it alone at the end', async (order) => {
      const ours = await startOurs();
      const server = await borrowServer();
      if (order === 'before') await neighbour.settle(server);
      const before = tracesOn(server);
      ours.app.get(PlackWsAdapter).attach(server);
      if (order === 'after') await neighbour.settle(server);

      const theirs = await neighbour.talk(server);
      const client = await connect(server, '/ws/echo');
      await expectEcho(client, 'one');
      expect(await theirs.echo('two')).toBe('two');

      await ours.app.close();
      expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
      expect(await theirs.echo('three')).toBe('three');
      expect(await (await neighbour.talk(server)).echo('four')).toBe('four');
      if (order === 'before') expect(tracesOn(server)).toEqual(before);
      else expect(tracesOn(server)).toMatchObject({ ownEmit: undefined });
    });
  });
}
