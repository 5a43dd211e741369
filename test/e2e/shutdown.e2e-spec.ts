import { once } from 'node:events';
import { createServer } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Connection, OnFinish, OnMessage, PlackWsAdapter, WsEndpoint, type FinishInfo } from '../../src/index.js';
import { connect } from '../support/connect.js';
import { Gate, Journal } from '../support/journal.js';
import { OPCODE } from '../support/raw-frame.js';
import { afterTest, createApp, startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

const SHUT_DOWN = { code: 1001, reason: 'server shutting down', clean: true };

@Injectable()
class Database implements OnModuleDestroy {
  readonly log = new Journal();

  onModuleDestroy(): void {
    this.log.add('database closed');
  }
}

/** The database of an application, global or not, as a package brings it. */
function databaseModule(global: boolean): DynamicModule {
  @Module({ providers: [Database], exports: [Database] })
  class DatabaseModule {}
  return { module: DatabaseModule, global };
}

@WsEndpoint('room')
class Room {
  readonly #log: Journal;
  readonly working = new Gate();
  readonly mayGoOn = new Gate();
  readonly leaving = new Gate();
  readonly mayLeave = new Gate();

  constructor(@Inject(Database) { log }: Database) {
    this.#log = log;
  }

  @OnMessage()
  async work(_connection: Connection, word: unknown): Promise<string> {
    this.#log.add(`begins ${String(word)}`);
    this.working.open();
    await this.mayGoOn.opened;
    this.#log.add(`ends ${String(word)}`);
    return `${String(word)} is done`;
  }

  @OnFinish()
  async leave(_connection: Connection, end: FinishInfo): Promise<void> {
    this.#log.add(`leaves with ${end.code} by ${end.initiator}, clean: ${end.clean}`);
    this.leaving.open();
    await this.mayLeave.opened;
    this.#log.add('has left');
  }
}

async function boot(spec: AppSpec = {}): Promise<StartedApp & { room: Room; log: readonly string[] }> {
  const started = await startApp({ endpoints: [Room], imports: [databaseModule(false)], ...spec });
  const [room, { log }] = [started.app.get(Room), started.app.get(Database)];
  // No failed test keeps the application from closing.
  afterTest(() => [room.mayGoOn, room.mayLeave].map((gate) => gate.open()));
  return Object.assign(started, { room, log: log.entries });
}

describe('the close of an application', () => {
  it.each([false, true])('waits for @OnFinish before it closes a database (global: %s)', async (global) => {
    const app = await boot({ imports: [databaseModule(global)] });
    const client = await app.connect('/ws/room');
    const closed = app.app.close();
    await app.room.leaving.opened;
    expect(await client.closed()).toEqual(SHUT_DOWN);
    expect(app.log).toEqual(['leaves with 1001 by shutdown, clean: true']);
    app.room.mayLeave.open();
    await closed;
    expect(app.log.slice(1)).toEqual(['has left', 'database closed']);
  });

  it('lets a message that is being handled be answered first', async () => {
    const app = await boot();
    app.room.mayLeave.open();
    const client = await app.connect('/ws/room');
    await client.send('work');
    await app.room.working.opened;
    const closed = app.app.close();
    app.room.mayGoOn.open();
    expect(await client.next()).toBe('work is done');
    expect(await client.closed()).toEqual(SHUT_DOWN);
    await closed;
    expect(app.log).toEqual([
      'begins work',
      'ends work',
      'leaves with 1001 by shutdown, clean: true',
      'has left',
      'database closed',
    ]);
  });

  it('turns new clients away with 503 and Retry-After while it waits, on every server', async () => {
    const app = await boot();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterTest(() => server.close());
    app.app.get(PlackWsAdapter).attach(server);
    await app.connect('/ws/room');
    const closed = app.app.close();
    await app.room.leaving.opened;
    for (const target of [app.app, server]) {
      await expect(connect(target, '/ws/room')).rejects.toMatchObject({
        status: 503,
        headers: expect.objectContaining({ 'retry-after': expect.stringMatching(/^\d+$/) }),
      });
    }
    app.room.mayLeave.open();
    await closed;
  });

  it.each(['express', 'fastify'] as const)(
    'does so to the end of each socket, however late in the stop, and takes itself off then (%s)',
    async (platform) => {
      const [isLate, mayGoOn] = [new Gate(), new Gate()];
      class Slow implements BeforeApplicationShutdown {
        async beforeApplicationShutdown(): Promise<void> {
          isLate.open();
          await mayGoOn.opened;
        }
      }
      const app = await boot({ platform, providers: [Slow] });
      afterTest(() => mayGoOn.open());
      const server = app.app.getHttpServer();
      const peers = [await app.peer(), await app.peer()] as const;
      const closed = app.app.close();
      await isLate.opened;
      const busy = { status: 503, headers: expect.objectContaining({ 'retry-after': expect.stringMatching(/^\d+$/) }) };
      expect(await peers[0].upgrade({ path: '/ws/room' })).toMatchObject(busy);
      mayGoOn.open();
      while (server.listening) await nextTurn();
      expect(await peers[1].upgrade({ path: '/ws/room' })).toMatchObject(busy);
      await closed;
      expect([Object.hasOwn(server, 'emit'), server.listenerCount('upgrade')]).toEqual([false, 0]);
    },
  );

  it('says goodbye also with forceCloseConnections', async () => {
    const app = await boot({ settings: { forceCloseConnections: true } });
    app.room.mayLeave.open();
    const [one, two] = [await app.connect('/ws/room'), await app.connect('/ws/room')];
    await app.app.close();
    expect(await Promise.all([one.closed(), two.closed()])).toEqual([SHUT_DOWN, SHUT_DOWN]);
    expect(app.log.filter((entry) => entry === 'has left')).toHaveLength(2);
    expect(app.log.at(-1)).toBe('database closed');
  });

  it('says what it was told to say', async () => {
    const app = await boot({ options: { shutdown: { code: 4000, reason: 'back soon' } } });
    app.room.mayLeave.open();
    const client = await app.connect('/ws/room');
    await app.app.close();
    expect(await client.closed()).toEqual({ code: 4000, reason: 'back soon', clean: true });
  });

  it('says it to all, in batches', async () => {
    const app = await boot({ options: { shutdown: { batch: 2, intervalMs: 1 } } });
    app.room.mayLeave.open();
    const clients = await Promise.all(Array.from({ length: 7 }, () => app.connect('/ws/room')));
    await app.app.close();
    expect(await Promise.all(clients.map((client) => client.closed()))).toEqual(Array(7).fill(SHUT_DOWN));
    expect(app.log.filter((entry) => entry === 'has left')).toHaveLength(7);
  });

  it('is the same close when it is called twice', async () => {
    const app = await boot();
    const client = await app.connect('/ws/room');
    const closes = [app.app.close(), app.app.close()];
    await app.room.leaving.opened;
    app.room.mayLeave.open();
    await Promise.all(closes);
    expect(await client.closed()).toEqual(SHUT_DOWN);
    expect(app.log.filter((entry) => entry === 'has left')).toHaveLength(1);
  });

  it('works before anything was started', async () => {
    const { app } = await createApp({ endpoints: [Room], imports: [databaseModule(false)] });
    await app.close();
    const initialized = await createApp({ endpoints: [Room], imports: [databaseModule(false)] });
    await initialized.app.init();
    await initialized.app.close();
    expect(initialized.registry.state).toBe('closed');
  });
});

describe('the close of an application with graceMs', () => {
  const options = { shutdown: { graceMs: 200 } };

  it('gives a client that never answers the close its own time for that', async () => {
    const app = await boot({ options: { shutdown: { graceMs: 60_000, closeTimeoutMs: 50 } } });
    app.room.mayLeave.open();
    const peer = await app.peer();
    await peer.upgrade({ path: '/ws/room' });
    const begin = performance.now();
    const closed = app.app.close();
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close, closeCode: 1001 });
    await peer.ended();
    await closed;
    const tookMs = performance.now() - begin;
    expect([tookMs >= 49, tookMs < 30_000]).toEqual([true, true]);
    expect(app.log).toEqual(['leaves with 1001 by shutdown, clean: false', 'has left', 'database closed']);
  });

  it('does not wait for them when everybody answers', async () => {
    const app = await boot({ options: { shutdown: { graceMs: 60_000 } } });
    app.room.mayLeave.open();
    await app.connect('/ws/room');
    await app.app.close();
    expect(app.log.at(-1)).toBe('database closed');
  });

  it('closes a client whose message is handled without end', async () => {
    const app = await boot({ options });
    app.room.mayLeave.open();
    const client = await app.connect('/ws/room');
    await client.send('work');
    await app.room.working.opened;
    await app.app.close();
    expect(await client.closed()).toEqual(SHUT_DOWN);
    expect(app.log).toEqual([
      'begins work',
      'leaves with 1001 by shutdown, clean: true',
      'has left',
      'database closed',
    ]);
    expect(app.logs.problems).toEqual([expect.stringContaining('(1 in Room.work)')]);
  });

  it('goes on without an @OnFinish that never ends', async () => {
    const app = await boot({ options });
    const client = await app.connect('/ws/room');
    await app.app.close();
    expect(await client.closed()).toEqual(SHUT_DOWN);
    expect(app.log).toEqual(['leaves with 1001 by shutdown, clean: true', 'database closed']);
    expect(app.logs.problems).toEqual([expect.stringContaining('gives up connections (1 of Room in @OnFinish)')]);
  });

  it('names the method that it gives up, with nobody connected any more too', async () => {
    const app = await boot({ options });
    app.room.mayLeave.open();
    const client = await app.connect('/ws/room');
    await client.send('work');
    await app.room.working.opened;
    await client.close();
    await app.app.close();
    expect(app.logs.problems).toEqual([
      expect.stringContaining('gives up handlers of connections that are over (1 in Room.work)'),
    ]);
  });

  it('says after a second what it waits for, and what bounds that', async () => {
    const app = await boot({ options: { shutdown: { graceMs: 60_000 } } });
    const [client, leaving] = [await app.connect('/ws/room'), await app.connect('/ws/room')];
    void client.send('work');
    await app.room.working.opened;
    const closed = app.app.close();
    expect(await leaving.closed()).toEqual(SHUT_DOWN);
    await app.logs.waitFor('warn', /The shutdown waits for/);
    expect(app.logs.problems).toEqual([
      expect.stringMatching(
        /waits for connections \(1 of Room in Room\.work, 1 of Room in @OnFinish\)\. shutdown\.graceMs bounds it/,
      ),
    ]);
    app.room.mayGoOn.open();
    app.room.mayLeave.open();
    await closed;
    expect(await client.closed()).toEqual(SHUT_DOWN);
  });
});
