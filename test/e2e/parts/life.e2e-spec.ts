import { describe, expect, it } from '@jest/globals';
import { MessageBody } from '@nestjs/websockets';
import { of, throwError } from 'rxjs';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, WsEndpointPart } from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import { startApp } from '../../support/start-app.js';

describe('the connections of an endpoint with parts', () => {
  it('reach the events of every class, and the classes share their data and their channels', async () => {
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnEstablish()
      enter(connection: Connection): void {
        connection.data = { name: 'Ada' };
        connection.join('lobby');
      }

      @OnMessage('name')
      name(connection: Connection<unknown, { name: string }>): string {
        return connection.data.name;
      }
    }

    @WsEndpointPart(Room)
    class Chat {
      @OnMessage('say')
      say(connection: Connection<unknown, { name: string }>, @MessageBody('text') text: string): string {
        return `${connection.data.name}: ${text}, to ${connection.to('lobby').size}`;
      }
    }

    @WsEndpointPart(Room)
    class Notes {
      @OnMessage()
      all(_connection: Connection, message: object): object {
        return { kept: message };
      }

      @OnMessage({ binary: true })
      bytes(_connection: Connection, bytes: Buffer): number {
        return bytes.length;
      }
    }

    const app = await startApp({ endpoints: [Room, Chat, Notes] });
    const client = await app.connect('/ws/room');
    void client.send({ event: 'name', id: 1 });
    void client.send({ event: 'say', data: { text: 'hello' }, id: 2 });
    void client.send({ other: true });
    void client.send(Buffer.from('123'));
    expect([
      await client.nextJson(),
      await client.nextJson(),
      await client.nextJson(),
      await client.nextJson(),
    ]).toEqual([
      { event: 'name', id: 1, data: 'Ada' },
      { event: 'say', id: 2, data: 'Ada: hello, to 1' },
      { kept: { other: true } },
      3,
    ]);
    expect(app.registry.in(Room).size).toBe(1);
    expect(app.registry.in(Chat).size).toBe(0);
    expect([...app.registry][0]?.endpoint).toBe(Room);
    expect(app.logs.at('log')).toContainEqual('Mapped {/ws/room, WS} Room + Chat (1 event) + Notes PlackWebSocket');
    expect(app.logs.problems).toEqual([]);
  });

  it('wait for each establish in turn, the endpoint first, and finish the other way round', async () => {
    const journal = new Journal();
    const gates = { room: new Gate(), chat: new Gate() };

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnEstablish()
      async enter(): Promise<void> {
        journal.add('room begins');
        await gates.room.opened;
        journal.add('room');
      }

      @OnFinish()
      leave(): void {
        journal.add('room leaves');
      }
    }

    @WsEndpointPart(Room)
    class Chat {
      @OnEstablish()
      async enter(): Promise<void> {
        journal.add('chat begins');
        await gates.chat.opened;
        journal.add('chat');
      }

      @OnMessage('say')
      say(): void {
        journal.add('say');
      }

      @OnFinish()
      async leave(): Promise<void> {
        await Promise.resolve();
        journal.add('chat leaves');
      }
    }

    @WsEndpointPart(Room)
    class Presence {
      @OnEstablish()
      enter(connection: Connection): void {
        connection.on('finish', () => journal.add('handler of the connection'));
        journal.add('presence');
      }

      @OnFinish()
      leave(): void {
        journal.add('presence leaves');
      }
    }

    const app = await startApp({ endpoints: [Room, Chat, Presence] });
    app.registry.on('finish', () => journal.add('finished'));
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say' });
    await journal.reached(1);
    gates.room.open();
    await journal.reached(3);
    gates.chat.open();
    await journal.reached(6);
    await client.close();
    expect(await journal.reached(11)).toEqual([
      'room begins',
      'room',
      'chat begins',
      'chat',
      'presence',
      'say',
      'handler of the connection',
      'presence leaves',
      'chat leaves',
      'room leaves',
      'finished',
    ]);
  });

  it('have one inbox: a message of one class waits for that of another', async () => {
    const journal = new Journal();
    const gate = new Gate();

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnMessage('slow')
      async slow(): Promise<void> {
        journal.add('slow begins');
        await gate.opened;
        journal.add('slow');
      }
    }

    @WsEndpointPart(Room)
    class Chat {
      @OnMessage('fast')
      fast(): void {
        journal.add('fast');
      }
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    const client = await app.connect('/ws/room');
    void client.send({ event: 'slow' });
    void client.send({ event: 'fast' });
    await journal.reached(1);
    gate.open();
    expect(await journal.reached(3)).toEqual(['slow begins', 'slow', 'fast']);
  });

  it('may have all of their handlers in parts', async () => {
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {}

    @WsEndpointPart(Room)
    class Chat {
      @OnMessage('say')
      say(): string {
        return 'said';
      }
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'said' });
  });
});

describe('an establish that fails', () => {
  type Fault = 'throws' | 'rejects' | 'fails as a stream';
  const fail = (fault: Fault): unknown => {
    if (fault === 'throws') throw new Error('no');
    return fault === 'rejects' ? Promise.reject(new Error('no')) : throwError(() => new Error('no'));
  };

  it.each<Fault>(['throws', 'rejects', 'fails as a stream'])(
    'and %s in one part closes with 1011, and only those finish that have begun',
    async (fault) => {
      const journal = new Journal();

      @WsEndpoint({ path: 'room', serializer: 'json' })
      class Room {
        @OnFinish()
        leave(): void {
          journal.add('room leaves');
        }
      }

      @WsEndpointPart(Room)
      class First {
        @OnEstablish()
        enter(): unknown {
          return of('first');
        }

        @OnFinish()
        leave(): void {
          journal.add('first leaves');
        }
      }

      @WsEndpointPart(Room)
      class Second {
        @OnEstablish()
        enter(): unknown {
          return fail(fault);
        }

        @OnFinish()
        leave(): void {
          journal.add('second leaves');
        }
      }

      @WsEndpointPart(Room)
      class Third {
        @OnEstablish()
        enter(): void {
          journal.add('third enters');
        }

        @OnMessage('say')
        say(): void {
          journal.add('say');
        }

        @OnFinish()
        leave(): void {
          journal.add('third leaves');
        }
      }

      const app = await startApp({ endpoints: [Room, First, Second, Third] });
      app.registry.on('finish', () => journal.add('finished'));
      const client = await app.connect('/ws/room');
      void client.send({ event: 'say' });
      expect(await client.closed()).toMatchObject({ code: 1011 });
      expect(await journal.reached(4)).toEqual(['second leaves', 'first leaves', 'room leaves', 'finished']);
      expect(app.logs.at('error')).toContainEqual(expect.stringMatching(/^Second of Room failed: /));
    },
  );

  it('of the endpoint leaves nothing to do for its parts', async () => {
    const journal = new Journal();

    @WsEndpoint({ path: 'room' })
    class Room {
      @OnEstablish()
      enter(): void {
        throw new Error('no');
      }

      @OnFinish()
      leave(): void {
        journal.add('room leaves');
      }
    }

    @WsEndpointPart(Room)
    class Chat {
      @OnEstablish()
      enter(): void {
        journal.add('chat enters');
      }

      @OnFinish()
      leave(): void {
        journal.add('chat leaves');
      }
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    app.registry.on('finish', () => journal.add('finished'));
    const client = await app.connect('/ws/room');
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(await journal.reached(2)).toEqual(['room leaves', 'finished']);
  });
});

describe('a connection that ends while its endpoint establishes', () => {
  async function lead(end: (connection: Connection) => unknown, message?: object): Promise<readonly string[]> {
    const journal = new Journal();
    const gate = new Gate();

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnEstablish()
      async enter(connection: Connection): Promise<void> {
        end(connection);
        await gate.opened;
      }

      @OnFinish()
      leave(): void {
        journal.add('room leaves');
      }
    }

    @WsEndpointPart(Room)
    class Chat {
      @OnEstablish()
      enter(): void {
        journal.add('chat enters');
      }

      @OnMessage('say')
      say(): void {
        journal.add('say');
      }

      @OnFinish()
      leave(): void {
        journal.add('chat leaves');
      }
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    app.registry.on('finish', () => journal.add('finished'));
    const client = await app.connect('/ws/room');
    if (message !== undefined) void client.send(message);
    await client.close();
    gate.open();
    while (!journal.entries.includes('finished')) await journal.next();
    return journal.entries;
  }

  it('by the endpoint itself is no concern of its parts', async () => {
    const entries = await lead((connection) => connection.close(4403), { event: 'say' });
    expect(entries).toEqual(['room leaves', 'finished']);
  });

  it('by its peer is no concern of its parts', async () => {
    expect(await lead(() => undefined)).toEqual(['room leaves', 'finished']);
  });

  it('by its peer, after a message, goes through the parts for it', async () => {
    const entries = await lead(() => undefined, { event: 'say' });
    expect(entries).toEqual(['chat enters', 'say', 'chat leaves', 'room leaves', 'finished']);
  });
});
