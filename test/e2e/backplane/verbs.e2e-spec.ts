import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, MemoryBackplane, OnEstablish, OnMessage, RequestContext, WsEndpoint } from '../../../src/index.js';
import type { QueuedClient } from '../../../src/testing.js';
import { startNodes } from '../../support/nodes.js';
import type { StartedApp } from '../../support/start-app.js';
import { until } from '../../support/until.js';

@WsEndpoint({ path: 'rooms/:room', serializer: 'json' })
class Room {
  @OnEstablish()
  enter(connection: Connection, context: RequestContext): void {
    connection.join(context.params['room'] ?? '', 'all-rooms');
    void connection.send('in', connection.id);
  }

  @OnMessage('say')
  say(connection: Connection, text: string): unknown {
    return connection.to('red').broadcast('said', text);
  }
}

@WsEndpoint({ path: 'plain' })
class Plain {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.join('red');
    void connection.send(connection.id);
  }
}

const userId = ({ query }: RequestContext): string | undefined => query['user'] as string | undefined;

async function enter(node: StartedApp, path: string): Promise<{ client: QueuedClient; id: string }> {
  const client = await node.connect(path);
  const hello = await client.next();
  const id = path.startsWith('/ws/rooms') ? (JSON.parse(String(hello)) as { data: string }).data : String(hello);
  return { client, id };
}

let nodes: StartedApp[];
let one: StartedApp;
let two: StartedApp;
let three: StartedApp;

beforeEach(async () => {
  nodes = await startNodes(3, (options) => new MemoryBackplane(options), {
    endpoints: [Room, Plain],
    options: { userId },
  });
  [one, two, three] = nodes as [StartedApp, StartedApp, StartedApp];
});

describe('an audience over several nodes', () => {
  it('hears what is sent on any of them, each connection once, in the form of its serializer', async () => {
    const here = await enter(one, '/ws/rooms/red');
    const there = await enter(two, '/ws/rooms/red');
    const raw = await enter(three, '/ws/plain');
    const blue = await enter(three, '/ws/rooms/blue');
    await followed();
    const delivery = one.registry.to('red', 'all-rooms', 'red').send('hello');
    expect(delivery).toEqual({ matched: 1, sent: 1, dropped: 0, relayed: 'yes' });
    expect(await here.client.nextJson()).toBe('hello');
    expect(await there.client.nextJson()).toBe('hello');
    expect(await raw.client.next()).toBe('hello');
    expect(await blue.client.nextJson()).toBe('hello');
    two.registry.to('red').send({ event: 'second', data: 1 });
    expect(await here.client.nextJson()).toEqual({ event: 'second', data: 1 });
    expect(await there.client.nextJson()).toEqual({ event: 'second', data: 1 });
    expect([raw.client.pending, blue.client.pending]).toEqual([0, 0]);
  });

  it('leaves out the sender of a broadcast, connections, ids and channels of other nodes', async () => {
    const here = await enter(one, '/ws/rooms/red');
    const there = await enter(two, '/ws/rooms/red');
    const far = await enter(three, '/ws/rooms/red');
    await followed();
    void here.client.send({ event: 'say', data: 'hi' });
    expect(await there.client.nextJson()).toEqual({ event: 'said', data: 'hi' });
    expect(await far.client.nextJson()).toEqual({ event: 'said', data: 'hi' });
    one.registry.to('red').except(there.id).send('without two');
    expect(await here.client.nextJson()).toMatchObject({ event: 'say' });
    expect(await here.client.nextJson()).toBe('without two');
    expect(await far.client.nextJson()).toBe('without two');
    await one.registry.to(far.id).join('quiet');
    two.registry.to('red').except('quiet').send('without three');
    expect(await here.client.nextJson()).toBe('without three');
    expect(await there.client.nextJson()).toBe('without three');
    expect(far.client.pending).toBe(0);
    two.registry.to('red').only('quiet').send('three alone');
    expect(await far.client.nextJson()).toBe('three alone');
    expect([here.client.pending, there.client.pending]).toEqual([0, 0]);
  });

  it('reaches one connection, one user, one endpoint and everybody', async () => {
    const ada = await enter(two, '/ws/rooms/red?user=ada');
    const adaToo = await enter(three, '/ws/plain?user=ada');
    const grace = await enter(three, '/ws/rooms/red?user=grace');
    await followed();
    expect(one.registry.to(ada.id).send('you').relayed).toBe('yes');
    expect(await ada.client.nextJson()).toBe('you');
    one.registry.toUser('ada').send('user');
    expect(await ada.client.nextJson()).toBe('user');
    expect(await adaToo.client.next()).toBe('user');
    one.registry.in(Plain).send('plain');
    expect(await adaToo.client.next()).toBe('plain');
    one.registry.broadcast('all');
    expect(await ada.client.nextJson()).toBe('all');
    expect(await adaToo.client.next()).toBe('all');
    expect(await grace.client.nextJson()).toBe('all');
  });

  it('is closed, joined, left, counted and listed on all of them', async () => {
    const here = await enter(one, '/ws/rooms/red?user=ada');
    const there = await enter(two, '/ws/rooms/red?user=grace');
    const ids = one.registry.nodes.map(({ id }) => id);
    expect(await one.registry.to('red').count()).toEqual({ total: 2, nodes: expect.any(Array), missing: [] });
    const listed = await three.registry.to('red').list();
    expect(listed.missing).toEqual([]);
    expect([...listed.nodes].toSorted()).toEqual([...ids].toSorted());
    expect(new Map(listed.connections.map(({ id, user, endpoint }) => [id, `${user} in ${endpoint}`]))).toEqual(
      new Map([
        [here.id, 'ada in Room'],
        [there.id, 'grace in Room'],
      ]),
    );
    expect(listed.connections.every(({ since, data }) => since instanceof Date && Object.keys(data).length === 0)).toBe(
      true,
    );
    expect(await three.registry.to('red').join('green')).toMatchObject({ missing: [] });
    expect((await one.registry.to('green').count()).total).toBe(2);
    await three.registry.to('green').leave('green');
    expect((await one.registry.to('green').count()).total).toBe(0);
    expect(await three.registry.toUser('grace').close(4401, 'out')).toMatchObject({ missing: [] });
    expect(await there.client.closed()).toMatchObject({ code: 4401, reason: 'out' });
    expect(here.client.state).toBe('open');
  });

  it('is in this process as `here`', async () => {
    const here = await enter(one, '/ws/rooms/red');
    const there = await enter(two, '/ws/rooms/red');
    await followed();
    expect(one.registry.to('red').here.send('here')).toEqual({ matched: 1, sent: 1, dropped: 0, relayed: 'no' });
    expect(await one.registry.to('red').here.count()).toEqual({
      total: 1,
      nodes: [one.registry.nodes[0]?.id],
      missing: [],
    });
    expect(await here.client.nextJson()).toBe('here');
    one.registry.to('red').send('all');
    expect(await there.client.nextJson()).toBe('all');
  });

  it('knows the nodes, and that one has stopped', async () => {
    const names = one.registry.nodes.map(({ name }) => name);
    expect(names.toSorted()).toEqual(['node 0', 'node 1', 'node 2']);
    expect(names[0]).toBe('node 0');
    await two.app.close();
    await until(() => one.registry.nodes.length === 2, 'the stopped node is gone');
    expect(one.registry.backplane.state).toBe('connected');
    expect(await one.registry.to('*').count()).toMatchObject({ missing: [] });
  });
});

/** What a node has joined is followed in a later turn; a message that comes back has passed all of them. */
async function followed(): Promise<void> {
  await Promise.all(nodes.map(({ registry }) => registry.to('*').count()));
}
