import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, MessageEncodingError, OnEstablish, OnFinish, Serializer, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

type Name = 'ann' | 'ben' | 'cat' | 'dan';

/** Encodes as JSON and counts how often. */
class CountingSerializer extends Serializer {
  static encoded = 0;

  override encode(value: unknown): string {
    CountingSerializer.encoded++;
    return JSON.stringify(value);
  }

  override decode(data: string | Buffer): unknown {
    return data;
  }
}

describe('channels', () => {
  let app: StartedApp;
  let clients: Record<Name, QueuedClient>;
  let connections: Record<Name, Connection>;
  let left: Journal<ReadonlySet<string>>;

  @WsEndpoint({ path: 'room', serializer: CountingSerializer })
  class Room {
    @OnEstablish()
    enter(connection: Connection): void {
      connection.join(...[connection.query['join'] ?? []].flat());
    }

    @OnFinish()
    leave(connection: Connection): void {
      left.add(connection.channels);
    }
  }

  @WsEndpoint('raw')
  class Raw {}

  beforeEach(async () => {
    left = new Journal();
    app = await startApp({ endpoints: [Room, Raw] });
    clients = {
      ann: await app.connect('/ws/room?join=red'),
      ben: await app.connect('/ws/room?join=red&join=blue'),
      cat: await app.connect('/ws/room?join=blue'),
      dan: await app.connect('/ws/room'),
    };
    const [ann, ben, cat, dan] = app.registry;
    connections = { ann, ben, cat, dan } as Record<Name, Connection>;
    CountingSerializer.encoded = 0;
  });

  /** Tells who got how many messages, by sending everybody a last one and reading up to it. */
  async function received(): Promise<Partial<Record<Name, number>>> {
    for (const connection of app.registry) void connection.send('end');
    const counts: Partial<Record<Name, number>> = {};
    for (const [name, client] of Object.entries(clients) as [Name, QueuedClient][]) {
      if (client.state !== 'open') continue;
      let count = 0;
      while ((await client.nextJson()) !== 'end') count++;
      if (count > 0) counts[name] = count;
    }
    return counts;
  }

  it.each<[string, (from: Connection) => { matched: number }, Partial<Record<Name, number>>]>([
    ["to('red').send: its members, the sender too", (ann) => ann.to('red').send(1), { ann: 1, ben: 1 }],
    ["to('blue').send by one who is no member", (ann) => ann.to('blue').send(1), { ben: 1, cat: 1 }],
    ["to('red', 'blue').send: each once", (ann) => ann.to('red', 'blue').send(1), { ann: 1, ben: 1, cat: 1 }],
    ["to('red', 'red').send: each once", (ann) => ann.to('red', 'red').send(1), { ann: 1, ben: 1 }],
    ["to('*').send: everybody", (ann) => ann.to('*').send(1), { ann: 1, ben: 1, cat: 1, dan: 1 }],
    ["to('*', 'red').send: everybody once", (ann) => ann.to('*', 'red').send(1), { ann: 1, ben: 1, cat: 1, dan: 1 }],
    ['to().send: nobody', (ann) => ann.to().send(1), {}],
    ["to('green').send: nobody", (ann) => ann.to('green').send(1), {}],
    ["to('red').broadcast: without the sender", (ann) => ann.to('red').broadcast(1), { ben: 1 }],
    ['broadcast: everybody but the sender', (ann) => ann.broadcast(1), { ben: 1, cat: 1, dan: 1 }],
    ["except('blue'): without its members", (ann) => ann.to('red').except('blue').send(1), { ann: 1 }],
    ['except(connection): without it', (ann) => ann.to('red').except(ann).send(1), { ben: 1 }],
    ["except('blue').broadcast", (ann) => ann.to('*').except('blue').broadcast(1), { dan: 1 }],
    ['except twice adds up', (ann) => ann.to('*').except('blue').except('red').send(1), { dan: 1 }],
    ["except('*'): nobody", (ann) => ann.to('*').except('*').send(1), {}],
  ])('%s', async (_what, send, expected) => {
    const { matched } = send(connections.ann);
    expect(await received()).toEqual(expected);
    expect(matched).toBe(Object.keys(expected).length);
  });

  it('are addressed in the same way from the registry, where nobody is the sender', async () => {
    expect(app.registry.to('red').broadcast(1)).toEqual({ matched: 2, sent: 2, dropped: 0 });
    expect(app.registry.to('red', 'blue').except(connections.ben).send(1)).toEqual({ matched: 2, sent: 2, dropped: 0 });
    expect(await received()).toEqual({ ann: 2, ben: 1, cat: 1 });
  });

  describe('and ids', () => {
    it('an id addresses its connection alone', async () => {
      connections.ann.to(connections.dan.id).send(1);
      app.registry.to(connections.cat.id, connections.dan.id, 'blue').send(1);
      expect(await received()).toEqual({ ben: 1, cat: 1, dan: 2 });
    });

    it('joining the id of another connection overhears nothing', async () => {
      connections.ben.join(connections.dan.id);
      expect(app.registry.to(connections.dan.id).send('private').matched).toBe(1);
      expect(await received()).toEqual({ dan: 1 });
    });

    it('joining it overhears nothing either after that connection has left', async () => {
      const { id } = connections.dan;
      connections.ben.join(id);
      const finished = new Promise((resolve) => connections.dan.on('finish', resolve));
      await clients.dan.close();
      await finished;
      expect(app.registry.to(id).send('private')).toEqual({ matched: 0, sent: 0, dropped: 0 });
      expect(await received()).toEqual({});
    });

    it('a connection is left out by its id as by itself', async () => {
      app.registry.to('red').except(connections.ann.id).send(1);
      expect(await received()).toEqual({ ben: 1 });
    });
  });

  it('are joined and left, each once', () => {
    const { dan } = connections;
    dan.join('red', 'red', 'green');
    dan.join('red');
    expect([...dan.channels]).toEqual(['red', 'green']);
    expect(app.registry.to('red').size).toBe(3);
    dan.leave('red', 'nowhere');
    dan.leave('red');
    expect([[...dan.channels], app.registry.to('red').size]).toEqual([['green'], 2]);
  });

  it('are replaced by setChannels, while everybody and the id still reach the connection', async () => {
    const { ben } = connections;
    ben.setChannels('blue', 'green');
    expect([...ben.channels].toSorted((a, b) => a.localeCompare(b))).toEqual(['blue', 'green']);
    expect(['red', 'blue', 'green'].map((channel) => app.registry.to(channel).size)).toEqual([1, 2, 1]);
    ben.setChannels();
    expect(ben.channels.size).toBe(0);
    app.registry.to('red', 'blue', 'green').except(connections.ann, connections.cat).send(1);
    app.registry.to(ben.id).send(2);
    app.registry.to('*').send(3);
    expect(await received()).toEqual({ ann: 1, ben: 2, cat: 1, dan: 1 });
  });

  it('tell whether a connection is in any of them; everybody is in *', () => {
    const { ann } = connections;
    expect([ann.inChannel('red'), ann.inChannel('blue', 'red'), ann.inChannel('*')]).toEqual([true, true, true]);
    expect([ann.inChannel('blue'), ann.inChannel(), ann.inChannel('')]).toEqual([false, false, false]);
  });

  it('are shown as a copy', () => {
    (connections.dan.channels as Set<string>).add('red');
    expect([connections.dan.channels.size, app.registry.to('red').size]).toEqual([0, 2]);
  });

  it.each([['*'], [''], [undefined], [5], [['red']]])(
    'cannot be called %p: a TypeError, and nothing is changed',
    (name) => {
      const { dan } = connections;
      expect(() => dan.join('green', name as string)).toThrow(TypeError);
      expect(() => dan.setChannels('green', name as string)).toThrow(TypeError);
      expect(dan.channels.size).toBe(0);
    },
  );

  it('are left when the connection ends, readable in @OnFinish, and not joined again', async () => {
    await clients.ben.close();
    expect(await left.next()).toEqual(new Set(['red', 'blue']));
    expect([app.registry.to('red').size, app.registry.to('blue').size]).toEqual([1, 1]);
    connections.ben.join('green');
    expect(app.registry.to('green').size).toBe(0);
  });

  it('decide who is meant when a message is sent, not when they are named', async () => {
    const audience = connections.ann.to('green');
    connections.dan.join('green');
    audience.send(1);
    connections.dan.leave('green');
    audience.send(2);
    expect(await received()).toEqual({ dan: 1 });
  });

  it('can be listed, counted and closed', async () => {
    const audience = app.registry.to('red');
    expect([audience.size, [...audience]]).toEqual([2, [connections.ann, connections.ben]]);
    expect(audience.close(4000, 'red is over')).toBe(2);
    expect(await clients.ann.closed()).toMatchObject({ code: 4000, reason: 'red is over' });
    expect(await clients.ben.closed()).toMatchObject({ code: 4000 });
    expect(clients.cat.state).toBe('open');
  });

  it('count a connection that is closing as dropped', async () => {
    connections.ben.close();
    expect(app.registry.to('red').send(1)).toEqual({ matched: 2, sent: 1, dropped: 1 });
    expect(await received()).toMatchObject({ ann: 1 });
  });

  it('encode once per serializer for any number of receivers', async () => {
    const raw = await app.connect('/ws/raw');
    app.registry.broadcast('text');
    expect(CountingSerializer.encoded).toBe(1);
    expect([await raw.next(), await clients.ann.next()]).toEqual(['text', '"text"']);
  });

  it('leave out those whose serializer cannot encode, with a line in the log', async () => {
    const raw = await app.connect('/ws/raw');
    expect(app.registry.broadcast({ for: 'json only' })).toEqual({ matched: 5, sent: 4, dropped: 1 });
    expect(await received()).toEqual({ ann: 1, ben: 1, cat: 1, dan: 1 });
    expect(await raw.next()).toBe('end');
    expect(app.logs.at('error')).toHaveLength(1);
  });

  it('send nothing to anybody when nobody can encode', async () => {
    expect(() => app.registry.broadcast(1n)).toThrow(MessageEncodingError);
    expect(await received()).toEqual({});
  });
});
