import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Param, Post } from '@nestjs/common';
import { Connection, ConnectionRegistry, OnEstablish, OnFinish, WsEndpoint } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { createApp, startApp } from '../support/start-app.js';

@WsEndpoint({ path: 'a', serializer: 'json' })
class A {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint({ path: 'b', serializer: 'json' })
class B {
  @OnEstablish()
  enter(): void {}
}

class NoEndpoint {}

describe('the registry', () => {
  it('works before the first client', async () => {
    const { registry } = await startApp({ endpoints: [A] });
    const nobody = { matched: 0, sent: 0, dropped: 0 };
    expect([registry.size, [...registry], registry.get('id')]).toEqual([0, [], undefined]);
    expect([registry.broadcast('x'), registry.to('red').send('x'), registry.in(A).send('x')]).toEqual([
      nobody,
      nobody,
      nobody,
    ]);
    expect(registry.close()).toBe(0);
  });

  it.each<[string, (registry: ConnectionRegistry) => unknown]>([
    ['registry.close', (registry) => registry.close(999)],
    ['an audience of channels', (registry) => registry.to('red').close(2000)],
    ['an audience of an endpoint', (registry) => registry.in(A).close(1004)],
  ])('refuses a close code that cannot be sent, also when nobody is there: %s', async (_what, close) => {
    const { registry } = await startApp({ endpoints: [A] });
    expect(() => close(registry)).toThrow(RangeError);
  });

  it('lists the connections in the order they came, as a snapshot, and finds them by id', async () => {
    const app = await startApp({ endpoints: [A, B] });
    const { registry } = app;
    for (const path of ['/ws/a', '/ws/b', '/ws/a']) await app.connect(path);
    const all = [...registry];
    expect(registry.size).toBe(3);
    expect(all.map(({ endpoint }) => endpoint)).toEqual([A, B, A]);
    expect(all.map(({ id }) => registry.get(id))).toEqual(all);
    let seen = 0;
    for (const connection of registry) {
      seen++;
      connection.terminate();
    }
    expect(seen).toBe(3);
  });

  it('addresses the connections of one endpoint', async () => {
    const app = await startApp({ endpoints: [A, B] });
    const [a, b, second] = [await app.connect('/ws/a'), await app.connect('/ws/b'), await app.connect('/ws/a')];
    expect(app.registry.in(A).broadcast('for a')).toEqual({ matched: 2, sent: 2, dropped: 0 });
    expect(app.registry.in(NoEndpoint).size).toBe(0);
    expect([await a.nextJson(), await second.nextJson(), b.pending]).toEqual(['for a', 'for a', 0]);
    void app.registry.in(B).close(4000);
    expect(await b.closed()).toMatchObject({ code: 4000 });
  });

  it('sends to and closes everybody, and counts', async () => {
    const app = await startApp({ endpoints: [A, B] });
    const clients = [await app.connect('/ws/a'), await app.connect('/ws/b')];
    expect(app.registry.broadcast({ text: 'Hello!' })).toEqual({ matched: 2, sent: 2, dropped: 0 });
    for (const client of clients) expect(await client.nextJson()).toEqual({ text: 'Hello!' });
    expect(() => app.registry.close(1)).toThrow(RangeError);
    expect(app.registry.close(4003, 'over')).toBe(2);
    for (const client of clients) expect(await client.closed()).toEqual({ code: 4003, reason: 'over', clean: true });
    expect(app.registry.broadcast('too late').sent).toBe(0);
  });

  it('is injected into controllers', async () => {
    @Controller()
    class SayHi {
      constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

      @Post('say_hi')
      sayHi(): unknown {
        return this.registry.broadcast({ text: 'Hello!' });
      }
    }
    const app = await startApp({ endpoints: [A], controllers: [SayHi] });
    const client = await app.connect('/ws/a');
    const answer = await app.fetch('/say_hi', { method: 'POST' });
    expect(await answer.json()).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect(await client.nextJson()).toEqual({ text: 'Hello!' });
  });

  it('has the new connection in @OnEstablish and no longer has it in @OnFinish', async () => {
    const sizes = new Journal<number>();
    @WsEndpoint('count')
    class Count {
      constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

      @OnEstablish()
      enter({ id }: Connection): void {
        sizes.add(this.registry.get(id) === undefined ? -1 : this.registry.size);
      }

      @OnFinish()
      leave(): void {
        sizes.add(this.registry.size);
      }
    }
    const app = await startApp({ endpoints: [Count] });
    const client = await app.connect('/ws/count');
    await client.close();
    await sizes.reached(2);
    expect(sizes.entries).toEqual([1, 0]);
  });

  it('is one per application', async () => {
    const [one, other] = [await startApp({ endpoints: [A] }), await startApp({ endpoints: [A] })];
    await one.connect('/ws/a');
    expect([one.registry.size, other.registry.size]).toEqual([1, 0]);
  });

  it('goes from starting over accepting and draining to closed', async () => {
    const leaving = new Gate();
    const left = new Gate();
    @WsEndpoint('slow')
    class Slow {
      @OnFinish()
      async leave(): Promise<void> {
        leaving.open();
        await left.opened;
      }
    }
    const app = await createApp({ endpoints: [Slow] });
    const states = [app.registry.state];
    await app.app.listen(0, '127.0.0.1');
    states.push(app.registry.state);
    await app.connect('/ws/slow');
    const closed = app.app.close();
    await leaving.opened;
    states.push(app.registry.state);
    left.open();
    await closed;
    expect([...states, app.registry.state]).toEqual(['starting', 'accepting', 'draining', 'closed']);
  });
});

describe('the events of the registry', () => {
  let happened: Journal;
  beforeEach(() => {
    happened = new Journal();
  });

  async function open(): Promise<{
    registry: ConnectionRegistry;
    visit: () => Promise<void>;
    problems: () => string[];
  }> {
    @WsEndpoint('room')
    class Room {
      @OnEstablish()
      enter(): void {
        happened.add('@OnEstablish');
      }

      @OnFinish()
      leave(): void {
        happened.add('@OnFinish');
      }
    }
    const app = await startApp({ endpoints: [Room] });
    const visit = async (): Promise<void> => {
      const client = await app.connect('/ws/room');
      await client.close(4001);
    };
    return { registry: app.registry, visit, problems: () => app.logs.at('error') };
  }

  it('come before @OnEstablish and after @OnFinish', async () => {
    const { registry, visit } = await open();
    registry.on('establish', ({ state }) => happened.add(`establish ${state}`));
    registry.on('finish', ({ state }, { code }) => happened.add(`finish ${state} ${code}`));
    await visit();
    await happened.reached(4);
    expect(happened.entries).toEqual(['establish establishing', '@OnEstablish', '@OnFinish', 'finish closed 4001']);
  });

  it('reach every handler, even if another one throws', async () => {
    const { registry, visit, problems } = await open();
    registry.on('establish', () => {
      throw new Error('broken');
    });
    registry.on('establish', () => happened.add('second'));
    await visit();
    await happened.reached(3);
    expect(happened.entries).toEqual(['second', '@OnEstablish', '@OnFinish']);
    expect(problems()).toEqual([expect.stringContaining('broken')]);
  });

  it('do no harm when a handler rejects', async () => {
    const { registry, visit, problems } = await open();
    registry.on('establish', () => Promise.reject(new Error('broken')));
    registry.on('finish', () => Promise.reject(new Error('broken too')));
    await visit();
    await happened.reached(2);
    await visit();
    await happened.reached(4);
    expect(problems().filter((text) => text.includes('broken')).length).toBeGreaterThanOrEqual(3);
  });

  it('do not reach a handler that was taken off, and only the one registration', async () => {
    const { registry, visit } = await open();
    const handler = (): void => happened.add('same');
    const off = registry.on('establish', handler);
    registry.on('establish', handler);
    off();
    off();
    await visit();
    await happened.reached(3);
    expect(happened.entries).toEqual(['same', '@OnEstablish', '@OnFinish']);
  });

  it.each<[string, unknown, string]>([
    ['message', (): void => undefined, 'Unknown event: message'],
    ['occupied', undefined, 'The handler for event occupied must be a function.'],
    ['establish', undefined, 'The handler for event establish must be a function.'],
  ])('refuse %s with %p', async (event, handler, message) => {
    const { registry } = await open();
    const on = registry.on.bind(registry) as (event: string, handler: unknown) => void;
    expect(() => on(event, handler)).toThrow(TypeError);
    expect(() => on(event, handler)).toThrow(message);
  });

  it('tell of channels as pages come, are loaded again and leave, and of nothing after the application has stopped', async () => {
    @WsEndpoint('rooms/:room')
    class Rooms {
      @OnEstablish()
      enter(connection: Connection, @Param('room') room: string): void {
        connection.join(`room:${room}`);
      }
    }
    const app = await startApp({ endpoints: [Rooms] });
    const graceMs = 50;
    app.registry.on('occupied', ({ channel }) => happened.add(`${channel} occupied`), { graceMs });
    app.registry.on('vacated', ({ channel }) => happened.add(`${channel} vacated`), { graceMs });
    const first = await app.connect('/ws/rooms/tea');
    const second = await app.connect('/ws/rooms/tea');
    await first.close();
    await app.connect('/ws/rooms/cake');
    await second.close();
    expect(await happened.reached(3)).toEqual(['room:tea occupied', 'room:cake occupied', 'room:tea vacated']);
    await app.app.close();
    // Another application is the clock: by the time that it has told, the one that stopped would have.
    const clock = await startApp({ endpoints: [Rooms] });
    const told = new Journal();
    clock.registry.on('occupied', ({ channel }) => told.add(channel), { graceMs: 2 * graceMs });
    await clock.connect('/ws/rooms/tea');
    expect(await told.next()).toBe('room:tea');
    expect(happened.entries).toHaveLength(3);
  });
});
