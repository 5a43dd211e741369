import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Connection,
  MessageEncodingError,
  OnEstablish,
  OnFinish,
  OnMessage,
  Serializer,
  TooManyChannelsError,
  WsEndpoint,
} from '../../src/index.js';
import { fakeConnection, type QueuedClient } from '../../src/testing.js';
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
  class Raw {
    @OnEstablish()
    enter(): void {}
  }

  beforeEach(async () => {
    left = new Journal();
    app = await startApp({ endpoints: [Room, Raw], options: { limits: { maxChannels: 1_000_000 } } });
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
    ['except(): nobody is left out', (ann) => ann.to('red').except().send(1), { ann: 1, ben: 1 }],
    ["only('blue'): those who are in both", (ann) => ann.to('red').only('blue').send(1), { ben: 1 }],
    ["only('blue', connection)", (ann) => ann.to('red').only('blue', ann).send(1), { ann: 1, ben: 1 }],
    [
      'only(list)',
      (ann) =>
        ann
          .to('*')
          .only(new Set(['blue', ann]))
          .send(1),
      { ann: 1, ben: 1, cat: 1 },
    ],
    ["only('*'): everybody", (ann) => ann.to('red').only('*').send(1), { ann: 1, ben: 1 }],
    ['only(): nobody', (ann) => ann.to('red').only().send(1), {}],
    ['only twice: who is in all', (ann) => ann.to('*').only('red').only('blue').send(1), { ben: 1 }],
    ["only('blue').except('red')", (ann) => ann.to('*').only('blue').except('red').send(1), { cat: 1 }],
    ["except('red').only('blue')", (ann) => ann.to('*').except('red').only('blue').send(1), { cat: 1 }],
    ["only('red').broadcast: without the sender", (ann) => ann.to('*').only('red').broadcast(1), { ben: 1 }],
  ])('%s', async (_what, send, expected) => {
    const { matched } = send(connections.ann);
    expect(await received()).toEqual(expected);
    expect(matched).toBe(Object.keys(expected).length);
  });

  it.each<[string, (from: Connection) => unknown]>([
    ['except(undefined)', (ann) => ann.to('red').except(undefined as never)],
    ['except(null)', (ann) => ann.to('red').except(null as never)],
    ['except(5)', (ann) => ann.to('red').except(5 as never)],
    ['except([undefined])', (ann) => ann.to('red').except([undefined as never])],
    ['except(audience)', (ann) => ann.to('red').except(ann.to('blue') as never)],
    ['only(undefined)', (ann) => ann.to('red').only(undefined as never)],
    ['only(audience)', (ann) => ann.to('red').only(ann.to('blue') as never)],
    ['to(undefined)', (ann) => ann.to(undefined as never)],
    ['to(5)', (ann) => ann.to(5 as never)],
    ['to({})', (ann) => ann.to({} as never)],
    ['registry.to(undefined)', () => app.registry.to(undefined as never)],
    ['registry.to([5])', () => app.registry.to([5 as never])],
    ['registry.in(undefined)', () => app.registry.in(undefined as never)],
    ["registry.in('Room')", () => app.registry.in('Room' as never)],
    ['registry.toUser(undefined)', () => app.registry.toUser(undefined as never)],
    ['registry.toUser(NaN)', () => app.registry.toUser(Number.NaN)],
    ['registry.toUser({ id })', () => app.registry.toUser({ id: 1 })],
  ])('refuse what names no member at once: %s', (_what, name) => {
    expect(() => name(connections.ann)).toThrow(TypeError);
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

    it('what has the form of an id cannot be joined, so that nothing is overheard', async () => {
      expect(() => connections.ben.join('green', connections.dan.id)).toThrow(TypeError);
      expect(() => connections.ben.setChannels('green', connections.dan.id)).toThrow(TypeError);
      expect([...connections.ben.channels]).toEqual(['red', 'blue']);
      expect(app.registry.to(connections.dan.id).send('private').matched).toBe(1);
      expect(await received()).toEqual({ dan: 1 });
    });

    it('not even after that connection has left', async () => {
      const { id } = connections.dan;
      const finished = new Promise((resolve) => connections.dan.on('finish', resolve));
      await clients.dan.close();
      await finished;
      expect(() => connections.ben.join(id)).toThrow(TypeError);
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

  it('tell whether a connection has joined any of them', () => {
    const { ann } = connections;
    expect([ann.inChannel('red'), ann.inChannel('blue', 'red'), ann.inChannel(['blue', 'red'])]).toEqual([
      true,
      true,
      true,
    ]);
    expect([ann.inChannel('blue'), ann.inChannel(), ann.inChannel('')]).toEqual([false, false, false]);
  });

  it('are only those that were joined: neither * nor the id of the connection is', () => {
    const { ann } = connections;
    expect([ann.inChannel('*'), ann.inChannel(ann.id), ann.inChannel(5 as never)]).toEqual([false, false, false]);
  });

  it.each<[string, string]>([
    ['of 28 characters that begin as an id does', 'connector:room:0123456789abc'],
    ['of a property of objects', '__proto__'],
    ['with what other systems take for patterns', 'r.*.>'],
    ['with a character NUL', 'a\0b'],
    ['with an emoji', 'room 🙂'],
  ])('may have any name: one %s', (_what, name) => {
    const { dan } = connections;
    dan.join(name);
    expect([dan.inChannel(name), app.registry.to(name).connections(), [...dan.channels]]).toEqual([
      true,
      [dan],
      [name],
    ]);
  });

  it('are taken as lists too, of any length and each read once', () => {
    const { dan } = connections;
    const many = Array.from({ length: 200_000 }, (_none, number) => `n${number}`);
    function* names(): Iterable<string> {
      yield 'green';
      yield 'grey';
    }
    dan.join(names(), 'pink');
    expect([...dan.channels]).toEqual(['green', 'grey', 'pink']);
    dan.setChannels(many);
    expect([dan.channels.size, dan.inChannel(many), app.registry.to('n199999').size]).toEqual([200_000, true, 1]);
    expect(app.registry.to(many).connections()).toEqual([dan]);
    expect(app.registry.to('*').except(many).size).toBe(3);
    const audience = app.registry.to(names());
    dan.leave(new Set(many));
    dan.join('grey');
    expect([dan.channels.size, audience.size, audience.size]).toEqual([1, 1, 1]);
  });

  it('stay joined in their place when setChannels names them again', () => {
    const { ann, ben } = connections;
    ann.setChannels('green', 'red');
    expect(app.registry.to('red').connections()).toEqual([ann, ben]);
  });

  it('are shown as a copy', () => {
    (connections.dan.channels as Set<string>).add('red');
    expect([connections.dan.channels.size, app.registry.to('red').size]).toEqual([0, 2]);
  });

  it.each([['*'], [''], [undefined], [null], [5], [[['red']]], [['red', 5]], [{}], ['\ud800']])(
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
    expect(await audience.close(4000, 'red is over')).toEqual({ nodes: [expect.any(String)], missing: [] });
    expect(await clients.ann.closed()).toMatchObject({ code: 4000, reason: 'red is over' });
    expect(await clients.ben.closed()).toMatchObject({ code: 4000 });
    expect(clients.cat.state).toBe('open');
  });

  it('leave out a connection that is closing, which keeps the names of its own', async () => {
    connections.ben.close();
    expect(app.registry.to('red').send(1)).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect([app.registry.get(connections.ben.id), app.registry.to('red').size]).toEqual([undefined, 1]);
    expect(connections.ben.channels.has('red')).toBe(true);
    expect(await received()).toMatchObject({ ann: 1 });
  });

  it('encode once per serializer for any number of receivers', async () => {
    const raw = await app.connect('/ws/raw');
    app.registry.broadcast('text');
    expect(CountingSerializer.encoded).toBe(1);
    expect([await raw.next(), await clients.ann.next()]).toEqual(['text', '"text"']);
  });

  it('leave out those whose serializer cannot encode, with one warning for their endpoint', async () => {
    const raw = await app.connect('/ws/raw');
    expect(app.registry.broadcast({ for: 'json only' })).toEqual({ matched: 5, sent: 4, dropped: 1 });
    expect(app.registry.in(Raw).send({ for: 'json only' })).toEqual({ matched: 1, sent: 0, dropped: 1 });
    expect(await received()).toEqual({ ann: 1, ben: 1, cat: 1, dan: 1 });
    expect(await raw.next()).toBe('end');
    expect(app.logs.problems).toEqual([
      expect.stringMatching(
        /^Connections of Raw do not get what is sent to many, since their serializer cannot encode it: /,
      ),
    ]);
  });

  it('throw for what no serializer can encode, and never because of who is connected', async () => {
    await app.connect('/ws/raw');
    expect(() => app.registry.in(Raw).send({ a: 1 })).not.toThrow();
    const rawOnly = await startApp({ endpoints: [Raw] });
    expect(rawOnly.registry.broadcast({ for: 'no one' })).toEqual({ matched: 0, sent: 0, dropped: 0 });
    await rawOnly.connect('/ws/raw');
    expect(() => rawOnly.registry.broadcast({ for: 'no one' })).toThrow(MessageEncodingError);
    expect(rawOnly.registry.size).toBe(1);
  });

  it('hear the form of their own serializer where two share a buffer', async () => {
    const scratch = Buffer.alloc(4);
    class Scratch extends Serializer {
      constructor(private readonly mark: string) {
        super();
      }

      override encode(value: unknown): Uint8Array {
        return scratch.fill(`${this.mark}${String(value)}`);
      }

      override decode(data: string | Buffer): unknown {
        return data;
      }
    }
    @WsEndpoint({ path: 'one', serializer: new Scratch('1') })
    class One extends Raw {}
    @WsEndpoint({ path: 'two', serializer: new Scratch('2') })
    class Two extends Raw {}
    const both = await startApp({ endpoints: [One, Two] });
    const [one, two] = [await both.connect('/ws/one'), await both.connect('/ws/two')];
    both.registry.broadcast('abc');
    expect([String(await one.next()), String(await two.next())]).toEqual(['1abc', '2abc']);
  });

  it('send nothing to anybody when nobody can encode', async () => {
    expect(() => app.registry.broadcast(1n)).toThrow(MessageEncodingError);
    expect(await received()).toEqual({});
  });
});

describe('limits.maxChannels', () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `room:${n}`);

  it('is what join and setChannels keep to: more throws, and nothing has changed', async () => {
    @WsEndpoint({ path: 'rooms', serializer: 'json', limits: { maxChannels: 3 } })
    class Rooms {
      @OnMessage('join')
      join(connection: Connection, rooms: string[]): string[] {
        connection.join(rooms);
        return [...connection.channels];
      }

      @OnMessage('set')
      set(connection: Connection, rooms: string[]): string[] {
        connection.setChannels(rooms);
        return [...connection.channels];
      }
    }
    const app = await startApp({ endpoints: [Rooms] });
    const client = await app.connect('/ws/rooms');
    const ask = async (event: string, data: string[]): Promise<unknown> => {
      void client.send({ event, data, id: 1 });
      return client.nextJson();
    };
    const tooMany = { event: 'error', id: 1, data: { code: 'too_many_channels', message: expect.any(String) } };
    const [connection] = app.registry;
    expect(await ask('join', names(4))).toEqual(tooMany);
    expect([...(connection?.channels ?? [])]).toEqual([]);
    // A name twice is one channel.
    expect(await ask('join', [...names(3), ...names(3)])).toMatchObject({ data: names(3) });
    expect(await ask('join', names(3))).toMatchObject({ data: names(3) });
    expect(await ask('join', ['one more'])).toEqual(tooMany);
    expect(await ask('set', [...names(3), 'one more'])).toEqual(tooMany);
    expect(connection?.channels).toEqual(new Set(names(3)));
    expect(await ask('set', ['a', 'b', 'c'])).toMatchObject({ data: ['a', 'b', 'c'] });
  });

  it('is 1 000 by default, on fake connections too', () => {
    const connection = fakeConnection();
    connection.join(names(1_000));
    expect(() => connection.join('one more')).toThrow(TooManyChannelsError);
    expect(() => connection.setChannels(names(1_001))).toThrow(/1000 channels.*limits\.maxChannels/);
    expect(connection.channels.size).toBe(1_000);
    connection.leave('room:1');
    connection.join('one more');
    expect(connection.inChannel('one more')).toBe(true);
  });
});
