import { beforeEach, describe, expect, it } from '@jest/globals';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  FinishInfo,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  TooManyConnectionsError,
  UserChangedError,
  WsEndpoint,
  type LimitsOptions,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/* A connection belongs to one user, whether the handshake or a message logged him in. */

interface User {
  readonly id: string | number;
  readonly role?: string;
}

let errors: Journal<unknown>;
let ends: Journal;
beforeEach(() => {
  errors = new Journal();
  ends = new Journal();
});

/** Sets the user that the message has, as after a check of a token in it. */
@WsEndpoint({ path: 'account', serializer: 'json' })
class Account {
  @OnEstablish()
  enter(connection: Connection<User>): void {
    connection.join('room');
  }

  @OnMessage('login')
  login(connection: Connection<User | null | undefined>, @MessageBody() user: User | null): unknown {
    connection.user = user ?? null;
    return connection.user;
  }

  @OnFinish()
  leave({ user }: Connection<User | undefined>, { code, reason, initiator }: FinishInfo): void {
    ends.add(`${String(user?.id)} ${code} ${reason} ${initiator}`);
  }

  @OnError()
  note(_connection: Connection, error: unknown): void {
    errors.add(error);
  }
}

class TokenGuard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    const request = host.switchToHttp().getRequest<{ user?: unknown }>();
    if (host.getType() === 'ws') request.user = { id: host.switchToWs().getData<string>() };
    return true;
  }
}

/** Guards written for HTTP set `request.user`, here on each message. */
@UseGuards(TokenGuard)
@WsEndpoint({ path: 'guarded', serializer: 'json' })
class Guarded {
  @OnMessage('act')
  act({ user }: Connection<User>): unknown {
    return user;
  }
}

async function boot(options: PlackWebSocketModuleOptions = {}): Promise<StartedApp> {
  return startApp({
    endpoints: [Account, Guarded],
    options: {
      handshake: (context) => {
        const { user } = context.query;
        if (user !== undefined) context.user = { id: user };
      },
      ...options,
    },
  });
}

const as = (user: string): { query: { user: string } } => ({ query: { user } });

async function login(client: QueuedClient, user: User | null): Promise<unknown> {
  await client.send({ event: 'login', data: user });
  return client.nextJson();
}

const said = (data: unknown): object => ({ event: 'login', data });
const refused = (code: string): object => ({ event: 'error', data: expect.objectContaining({ code }) });

describe('the user of a connection', () => {
  it('may get a new value under the same id', async () => {
    const app = await boot();
    const client = await app.connect('/ws/account', as('7'));
    expect(await login(client, { id: 7, role: 'admin' })).toEqual(said({ id: 7, role: 'admin' }));
    expect(app.registry.toUser(7).size).toBe(1);
    expect(app.logs.problems).toEqual([]);
  });

  it.each(['handshake', 'message'])(
    'does not become another one than that of the %s, and nothing changes',
    async (by) => {
      const app = await boot();
      expect(app.registry.toUser('ada').size).toBe(0);
      const client = await app.connect('/ws/account', by === 'handshake' ? as('ada') : {});
      if (by === 'message') await login(client, { id: 'ada' });
      expect(await login(client, { id: 'eve' })).toEqual(refused('internal_error'));
      expect(await errors.next()).toBeInstanceOf(UserChangedError);
      const [connection] = app.registry;
      expect([connection?.user, connection?.inChannel('room')]).toEqual([{ id: 'ada' }, true]);
      expect(['ada', 'eve'].map((id) => app.registry.toUser(id).size)).toEqual([1, 0]);
      expect(app.logs.problems.join()).toContain('Close it (connection.close(4403)), and let the client connect anew.');
    },
  );

  it('may be taken away: then the connection is anonymous, and only the same user may come back', async () => {
    const app = await boot();
    const client = await app.connect('/ws/account', as('ada'));
    expect(app.registry.toUser('ada').size).toBe(1);
    await login(client, null);
    expect(app.registry.toUser('ada').size).toBe(0);
    expect(await login(client, { id: 'eve' })).toEqual(refused('internal_error'));
    expect(app.registry.toUser('eve').size).toBe(0);
    expect(await login(client, { id: 'ada', role: 'again' })).toEqual(said({ id: 'ada', role: 'again' }));
    expect(app.registry.toUser('ada').size).toBe(1);
  });

  it('is reached by toUser from the moment that a message set it', async () => {
    const app = await boot();
    expect(app.registry.toUser('ada').size).toBe(0);
    const client = await app.connect('/ws/account');
    await login(client, { id: 'ada' });
    app.registry.toUser('ada').send('private');
    expect(await client.nextJson()).toBe('private');
  });

  it('is the one that a guard of a message sets on the request, by the same rules', async () => {
    const app = await boot();
    expect(app.registry.toUser('ada').size).toBe(0);
    const client = await app.connect('/ws/guarded');
    await client.send({ event: 'act', data: 'ada' });
    expect(await client.nextJson()).toEqual({ event: 'act', data: { id: 'ada' } });
    expect(app.registry.toUser('ada').size).toBe(1);
    await client.send({ event: 'act', data: 'eve' });
    expect(await client.nextJson()).toEqual(refused('internal_error'));
    expect([...app.registry].map(({ user }) => user)).toEqual([{ id: 'ada' }]);
  });

  it('may be one without an id, as long as no limit needs it', async () => {
    const app = await boot();
    const client = await app.connect('/ws/account');
    const zoe = { name: 'zoe' } as unknown as User;
    expect(await login(client, zoe)).toEqual(said(zoe));
    expect(await login(client, { id: 'ada' })).toEqual(said({ id: 'ada' }));
    expect(await login(client, zoe)).toEqual(refused('internal_error'));
    expect(app.logs.problems.join()).toContain('connection.user cannot tell users apart');
  });

  it('stays as it was when userId throws', async () => {
    const app = await boot({ userId: ({ user }) => (user as User).id.toString() });
    const client = await app.connect('/ws/account', as('ada'));
    expect(await login(client, { name: 'zoe' } as unknown as User)).toEqual(refused('internal_error'));
    expect([...app.registry].map(({ user }) => user)).toEqual([{ id: 'ada' }]);
    expect(await login(client, null)).toEqual(said(null));
  });
});

describe('limits.maxConnectionsPerUser', () => {
  it.each<[string, Pick<PlackWebSocketModuleOptions, 'limits'>]>([
    ['as a number', { limits: { maxConnectionsPerUser: 1 } }],
    ['as an object', { limits: { maxConnectionsPerUser: { max: 1 } } }],
  ])('counts users that are set by messages: %s', async (_form, options) => {
    const app = await boot(options);
    const first = await app.connect('/ws/account');
    const second = await app.connect('/ws/account');
    expect(await login(first, { id: 'ada' })).toEqual(said({ id: 'ada' }));
    expect(await login(second, { id: 'ada' })).toEqual(refused('too_many_connections'));
    expect(await errors.next()).toBeInstanceOf(TooManyConnectionsError);
    await expect(app.connect('/ws/account', as('ada'))).rejects.toMatchObject({ status: 429 });
    expect([...app.registry].map(({ user }) => user)).toEqual([{ id: 'ada' }, undefined]);
    await login(first, null);
    expect(await login(second, { id: 'ada' })).toEqual(said({ id: 'ada' }));
    expect(app.logs.problems).toEqual([]);
  });

  it('refuses a user that cannot be compared, also one that a message sets', async () => {
    const app = await boot({ limits: { maxConnectionsPerUser: 1 } });
    const client = await app.connect('/ws/account');
    expect(await login(client, { name: 'zoe' } as unknown as User)).toEqual(refused('internal_error'));
    expect(app.logs.problems.join()).toContain('limits.maxConnectionsPerUser cannot tell users apart');
    expect([...app.registry].map(({ user }) => user)).toEqual([undefined]);
  });

  describe.each<[string, Partial<LimitsOptions>, Partial<LimitsOptions>]>([
    ['of the module', { maxConnectionsPerUser: { exceeded: 'replace' } }, {}],
    ['of an endpoint', {}, { maxConnectionsPerUser: { max: 1, exceeded: 'replace' } }],
  ])("with exceeded: 'replace' %s", (_whose, limits, own) => {
    async function bootReplacing(): Promise<StartedApp> {
      @WsEndpoint({ path: 'own', serializer: 'json', limits: own })
      class Own extends Account {}
      return startApp({
        endpoints: [Own],
        options: {
          limits,
          handshake: (context) => {
            const { user } = context.query;
            if (user !== undefined) context.user = { id: user };
          },
        },
      });
    }

    it('closes the older one with 4409, which is in no audience when the newer one is', async () => {
      const app = await bootReplacing();
      const older = await app.connect('/ws/own', as('ada'));
      const other = await app.connect('/ws/own', as('bob'));
      const sizes: number[] = [];
      app.registry.on('establish', () => sizes.push(app.registry.toUser('ada').size, app.registry.to('room').size));
      const newer = await app.connect('/ws/own', as('ada'));
      expect(await older.closed()).toEqual({ code: 4409, reason: 'replaced by a newer connection', clean: true });
      expect(await ends.next()).toBe('ada 4409 replaced by a newer connection limit');
      expect(sizes).toEqual([1, 1]);
      app.registry.broadcast('still here');
      expect([await newer.nextJson(), await other.nextJson()]).toEqual(['still here', 'still here']);
    });

    it('closes the older one also when a message sets the user', async () => {
      const app = await bootReplacing();
      const older = await app.connect('/ws/own', as('ada'));
      const newer = await app.connect('/ws/own');
      expect(await login(newer, { id: 'ada' })).toEqual(said({ id: 'ada' }));
      expect(await older.closed()).toMatchObject({ code: 4409 });
      expect(app.registry.size).toBe(1);
      expect(await login(newer, { id: 'ada', role: 'admin' })).toEqual(said({ id: 'ada', role: 'admin' }));
    });
  });

  it('keeps as many as it says, the newest, and has a code of its own', async () => {
    const app = await boot({ limits: { maxConnectionsPerUser: { max: 2, exceeded: 'replace', code: 4000 } } });
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push(await app.connect('/ws/account', as('ada')));
    const [first, second, third, fourth] = clients as [QueuedClient, QueuedClient, QueuedClient, QueuedClient];
    expect([await first.closed(), await second.closed()]).toMatchObject([{ code: 4000 }, { code: 4000 }]);
    expect(await login(third, { id: 'ada' })).toEqual(said({ id: 'ada' }));
    expect(await login(fourth, { id: 'ada' })).toEqual(said({ id: 'ada' }));
    expect(app.registry.toUser('ada').size).toBe(2);
  });
});
