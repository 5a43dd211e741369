import { describe, expect, it } from '@jest/globals';
import { PlackWsAdapter } from '../../../src/index.js';
import { connect } from '../../support/connect.js';
import { Gate } from '../../support/journal.js';
import { describeNest } from '../../support/nest-features.js';
import { NEIGHBOURS, socketIo, stockGateway } from './neighbours.js';
import { borrowServer, expectEcho, startOurs, tracesOn } from './start-ours.js';

describe.each(NEIGHBOURS)('an application with $name', (neighbour) => {
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

describe.each(NEIGHBOURS)('a server of somebody else with $name', (neighbour) => {
  it.each(['before', 'after'])('serves both, whoever came %s ours, and is theirs alone at the end', async (order) => {
    const ours = await startOurs();
    const server = await borrowServer();
    const before = tracesOn(server);
    if (order === 'before') await neighbour.settle(server);
    const listeners = server.listenerCount('upgrade');
    ours.app.get(PlackWsAdapter).attach(server);
    const own = server.listenerCount('upgrade') - listeners;
    if (order === 'after') await neighbour.settle(server);

    const theirs = await neighbour.talk(server);
    const client = await connect(server, '/ws/echo');
    await expectEcho(client, 'one');
    expect(await theirs.echo('two')).toBe('two');

    const together = server.listenerCount('upgrade');
    await ours.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    expect(tracesOn(server)).toEqual({ ...before, listeners: together - own });
    expect(await theirs.echo('three')).toBe('three');
    expect(await (await neighbour.talk(server)).echo('four')).toBe('four');
  });
});

describe.each([stockGateway, socketIo])('an application with $name', (neighbour) => {
  it('closes while both have clients', async () => {
    const ours = await startOurs(neighbour.inside);
    const theirs = await neighbour.talk(ours.app.getHttpServer());
    const client = await ours.connect('/ws/echo');
    await ours.app.close();
    await theirs.ended;
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
  });
});

describe('an application with a socket.io gateway', () => {
  it('takes 1.5 s for a handshake, longer than socket.io lets a silent socket live', async () => {
    const asked = new Gate();
    const ours = await startOurs({
      ...socketIo.inside,
      options: {
        handshake: async () => {
          asked.open();
          await new Promise((resolve) => setTimeout(resolve, 1_500));
        },
      },
    });
    const connecting = ours.connect('/ws/echo');
    await asked.opened;
    const theirs = await socketIo.talk(ours.app.getHttpServer());
    expect(await theirs.echo('meanwhile')).toBe('meanwhile');
    const client = await connecting;
    await expectEcho(client, 'at last');
    expect(await theirs.echo('after')).toBe('after');
  });
});

describe('a server of somebody else with a gateway on the stock WsAdapter', () => {
  it('serves ours when the other application goes first', async () => {
    const server = await borrowServer();
    const ours = await startOurs();
    const other = await stockGateway.settle(server);
    ours.app.get(PlackWsAdapter).attach(server);
    const client = await connect(server, '/ws/echo');
    await expectEcho(client, 'together');

    await other.close();
    await expectEcho(client, 'alone');
    await expectEcho(await connect(server, '/ws/echo'), 'new');
    expect(client.state).toBe('open');
  });

  // The listener that the stock adapter of Nest 10 and 11 leaves behind answers with what is not HTTP.
  describeNest('detached', () => {
    it('is ours alone when the other application went, and nobody’s at the end', async () => {
      const server = await borrowServer();
      const before = tracesOn(server);
      const ours = await startOurs();
      const other = await stockGateway.settle(server);
      ours.app.get(PlackWsAdapter).attach(server);
      await other.close();
      await expect(connect(server, '/stock')).rejects.toMatchObject({ status: 404 });
      await ours.app.close();
      expect(tracesOn(server)).toEqual(before);
    });
  });
});
