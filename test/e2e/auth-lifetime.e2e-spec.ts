import { describe, expect, it, jest } from '@jest/globals';
import { ForbiddenException, UseGuards, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import {
  ConfigurationError,
  Connection,
  FinishInfo,
  HeartbeatOptions,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
  type HandshakeHook,
  type LoginEnd,
  type PlackWebSocketModuleOptions,
  type WsEndpointOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { afterTest, startApp, type StartedApp } from '../support/start-app.js';

const EXPIRED = { code: 4401, reason: 'authentication expired', clean: true };
const DAY_MS = 24 * 60 * 60 * 1000;

interface Scene {
  readonly app: StartedApp;
  readonly established: Journal<Connection>;
  readonly finished: Journal<FinishInfo>;
}

async function boot(
  handshake: HandshakeHook,
  guard?: Type<CanActivate>,
  heartbeat: Partial<HeartbeatOptions> = {},
): Promise<Scene> {
  const established = new Journal<Connection>();
  const finished = new Journal<FinishInfo>();
  class Session {
    @OnEstablish()
    enter(connection: Connection): void {
      established.add(connection);
    }

    @OnMessage()
    say(connection: Connection, message: string): string {
      if (message === 'refresh') connection.reauthenticate(Date.now() + DAY_MS);
      if (message === 'for ever') connection.reauthenticate(undefined);
      return message;
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  WsEndpoint('session')(Session);
  if (guard !== undefined) UseGuards(guard)(Session);
  return { app: await startApp({ endpoints: [Session], options: { handshake, heartbeat } }), established, finished };
}

const until = (expiresAt: () => Date | number | undefined): HandshakeHook => {
  return (_context, response) => void (response.expiresAt = expiresAt());
};

describe('the end of a login', () => {
  it.each<[string, (inMs: number) => Date | number]>([
    ['a number', (inMs) => Date.now() + inMs],
    ['a Date', (inMs) => new Date(Date.now() + inMs)],
  ])('that the hook gives as %s closes with 4401 then, not before', async (_form, at) => {
    const scene = await boot(until(() => at(300)));
    const client = await scene.app.connect('/ws/session');
    const { expiresAt } = await scene.established.next();
    expect(expiresAt).toBeGreaterThan(Date.now());
    expect(await client.closed()).toEqual(EXPIRED);
    expect(Date.now()).toBeGreaterThanOrEqual((expiresAt ?? 0) - 2);
    expect(Date.now() - (expiresAt ?? 0)).toBeLessThan(2000);
    expect(await scene.finished.next()).toMatchObject({ ...EXPIRED, initiator: 'limit' });
  });

  it.each<[string, string, (now: number) => number]>([
    ['by the guard alone', '?guard=300', (now) => now + 300],
    ['by the guard, before that of the hook', `?guard=300&hook=${DAY_MS}`, (now) => now + 300],
    ['by the hook, before that of the guard', `?guard=${DAY_MS}&hook=300`, (now) => now + 300],
  ])('is the earlier one of those that hook and guard set: %s', async (_whose, query, expected) => {
    const contexts: RequestContext[] = [];
    class Token implements CanActivate {
      canActivate(host: ExecutionContext): boolean {
        for (const context of contexts) context.expiresAt = Date.now() + Number(context.query['guard']);
        return host.getType() === 'http';
      }
    }
    const scene = await boot((context, response) => {
      contexts.push(context);
      if (context.query['hook'] !== undefined) response.expiresAt = Date.now() + Number(context.query['hook']);
    }, Token);
    const client = await scene.app.connect(`/ws/session${query}`);
    const [connection] = await scene.established.reached(1);
    expect(connection?.expiresAt).toBeLessThanOrEqual(expected(Date.now()));
    expect(await client.closed()).toEqual(EXPIRED);
  });

  it('may be further away than any timer counts: nobody is closed at once', async () => {
    const scene = await boot(until(() => Date.now() + 400 * DAY_MS));
    const client = await scene.app.connect('/ws/session');
    // A delay of more than 24.8 days would fire after one millisecond.
    for (let turn = 0; turn < 50; turn++) {
      await client.send('still here');
      expect(await client.next()).toBe('still here');
    }
    expect(scene.finished.entries).toEqual([]);
  });

  it('that came while the machine slept closes at the next tick of the heartbeat', async () => {
    const clock = jest.spyOn(Date, 'now');
    afterTest(() => clock.mockRestore());
    const scene = await boot(
      until(() => Date.now() + DAY_MS),
      undefined,
      { intervalMs: 100, timeoutMs: 10_000 },
    );
    const client = await scene.app.connect('/ws/session');
    // Timers stand still during a sleep, and the clock goes on.
    const awakeAt = performance.timeOrigin + performance.now() + 2 * DAY_MS;
    clock.mockReturnValue(awakeAt);
    expect(await client.closed()).toEqual(EXPIRED);
  });

  it('that is over already refuses with 401', async () => {
    for (const at of [Date.now() - 1, 0, new Date(1)]) {
      const scene = await boot(until(() => at));
      await expect(scene.app.connect('/ws/session')).rejects.toMatchObject({ status: 401 });
      expect(scene.established.entries).toEqual([]);
    }
  });

  const NO_TIMES = [Number.NaN, Infinity, 'tomorrow', new Date('never'), null];
  it.each<[string, unknown, HandshakeHook]>(
    NO_TIMES.flatMap((at): [string, unknown, HandshakeHook][] => [
      ['of the hook', at, until(() => at as number)],
      ['on the context', at, (context) => void (context.expiresAt = at as number)],
      [
        'on the context, beside a good one',
        at,
        (context, response) => {
          response.expiresAt = Date.now() + DAY_MS;
          context.expiresAt = at as number;
        },
      ],
    ]),
  )('that is no time, %s (%p), refuses with 500', async (_whose, _at, hook) => {
    const scene = await boot(hook);
    await expect(scene.app.connect('/ws/session')).rejects.toMatchObject({ status: 500 });
    expect(scene.app.logs.at('error')).toHaveLength(1);
  });

  it.each(['refresh', 'for ever'])('is moved by reauthenticate: %s', async (word) => {
    const lifetimeMs = 400;
    const scene = await boot(until(() => Date.now() + lifetimeMs));
    const renewed = await scene.app.connect('/ws/session');
    await renewed.send(word);
    await renewed.next();
    // A login of the same length that began later ends: the first one would be over by now.
    const clock = await scene.app.connect('/ws/session');
    expect(await clock.closed()).toEqual(EXPIRED);
    await renewed.send('still here');
    expect(await renewed.next()).toBe('still here');
    const [connection] = scene.established.entries;
    expect(connection?.expiresAt).toEqual(word === 'refresh' ? expect.any(Number) : undefined);
  });

  it('can be moved to now: it closes at once', async () => {
    const scene = await boot(until(() => Date.now() + DAY_MS));
    const client = await scene.app.connect('/ws/session');
    const connection = await scene.established.next();
    expect(() => connection.reauthenticate(Number.NaN)).toThrow(TypeError);
    connection.reauthenticate(new Date());
    expect(await client.closed()).toEqual(EXPIRED);
  });

  it('of a connection that is over changes nothing', async () => {
    const scene = await boot(until(() => Date.now() + 100));
    const client = await scene.app.connect('/ws/session');
    const connection = await scene.established.next();
    await client.close(1000);
    expect(await scene.finished.next()).toMatchObject({ code: 1000 });
    connection.reauthenticate(Date.now() + 10);
    const clock = await scene.app.connect('/ws/session');
    await clock.closed();
    expect(await scene.finished.next()).toMatchObject({ code: 4401 });
    expect(scene.finished.entries).toHaveLength(2);
  });
});

describe('the option expiresAt', () => {
  interface Claims {
    readonly sub: string;
    readonly exp?: unknown;
  }

  const ENDS: Record<string, (() => unknown) | undefined> = {
    nothing: () => 'nothing',
    promise: () => Promise.resolve(1),
  };

  /** Takes the claims from the query, as a strategy takes them from a token. */
  class ClaimsGuard implements CanActivate {
    canActivate(host: ExecutionContext): boolean {
      const request = host.switchToHttp().getRequest<{ query: Record<string, string | undefined>; user?: Claims }>();
      const { sub, exp } = request.query;
      if (sub !== undefined) request.user = { sub, ...(exp !== undefined && { exp: ENDS[exp]?.() ?? Number(exp) }) };
      return true;
    }
  }

  class Accounts {
    @UseGuards(ClaimsGuard)
    @OnEstablish()
    enter(connection: Connection<Claims>): void {
      void connection.send(String(connection.expiresAt));
    }

    @OnMessage()
    renew(connection: Connection<Claims>, inMs: string): string {
      connection.reauthenticate(Date.now() + Number(inMs));
      return 'renewed';
    }
  }

  const ofToken: LoginEnd = (user: Claims) => user.exp as number;

  async function start(options: PlackWebSocketModuleOptions, own: WsEndpointOptions = {}): Promise<StartedApp> {
    @WsEndpoint({ path: 'accounts', ...own })
    class Own extends Accounts {}
    return startApp({ endpoints: [Own], options });
  }

  it.each<[string, PlackWebSocketModuleOptions, WsEndpointOptions]>([
    ['of the module', { expiresAt: ofToken }, {}],
    ['of the endpoint', {}, { expiresAt: ofToken }],
    ['of the endpoint in place of the module', { expiresAt: () => Date.now() + 1 }, { expiresAt: ofToken }],
  ])(
    '%s is asked after the guards: closes with 4401 then, unless reauthenticate has moved it',
    async (_of, ...given) => {
      const app = await start(...given);
      const exp = Date.now() + 600;
      const [ending, renewed] = [
        await app.connect('/ws/accounts', { query: { sub: 'ada', exp: String(exp) } }),
        await app.connect('/ws/accounts', { query: { sub: 'ada', exp: String(exp) } }),
      ];
      expect([await ending.next(), await renewed.next()]).toEqual([String(exp), String(exp)]);
      await renewed.send(String(DAY_MS));
      expect(await renewed.next()).toBe('renewed');
      expect(await ending.closed()).toEqual(EXPIRED);
      await renewed.send(String(DAY_MS));
      expect(await renewed.next()).toBe('renewed');
    },
  );

  it('is not asked for a client without a user, and undefined means never', async () => {
    const app = await start({ expiresAt: ofToken });
    expect(await (await app.connect('/ws/accounts')).next()).toBe('undefined');
    expect(await (await app.connect('/ws/accounts', { query: { sub: 'ada' } })).next()).toBe('undefined');
  });

  it('is one of several ends: the earliest counts', async () => {
    const at = Date.now() + DAY_MS;
    const app = await start({ expiresAt: ofToken, handshake: (_context, response) => void (response.expiresAt = at) });
    for (const [exp, expected] of [
      [at + DAY_MS, at],
      [at - 1, at - 1],
    ]) {
      const client = await app.connect('/ws/accounts', { query: { sub: 'ada', exp: String(exp) } });
      expect(await client.next()).toBe(String(expected));
    }
  });

  it.each([
    ['that is over', '1', 401],
    ['that is not a number', 'NaN', 500],
    ['that is a text', 'nothing', 500],
    ['that is a promise', 'promise', 500],
  ])('refuses for an end %s', async (_what, exp, status) => {
    const app = await start({ expiresAt: ofToken });
    await expect(app.connect('/ws/accounts', { query: { sub: 'ada', exp } })).rejects.toMatchObject({ status });
  });

  it.each<[string, Error, number]>([
    ['an HttpException', new ForbiddenException(), 403],
    ['another error', new Error('secret'), 500],
  ])('that throws %s refuses as a guard does', async (_what, error, status) => {
    const app = await start({
      expiresAt: () => {
        throw error;
      },
    });
    const refused = app.connect('/ws/accounts', { query: { sub: 'ada' } });
    await expect(refused).rejects.toMatchObject({ status, body: expect.not.stringContaining('secret') });
  });

  it('in seconds refuses, and the log says what to write', async () => {
    const app = await start({ expiresAt: ofToken });
    const exp = String(Math.floor(Date.now() / 1000) + 60);
    await expect(app.connect('/ws/accounts', { query: { sub: 'ada', exp } })).rejects.toMatchObject({ status: 401 });
    expect(app.logs.at('warn').join()).toMatch(/looks like seconds.*user\.exp \* 1000/);
  });

  it('of the module holds for gateways as well', async () => {
    @WebSocketGateway({ path: '/gateway' })
    class Gateway {}
    const app = await startApp({
      providers: [Gateway],
      options: {
        gateways: true,
        handshake: (context) => void (context.user = { exp: Date.now() + 300 }),
        expiresAt: ofToken,
      },
    });
    expect(await (await app.connect('/gateway')).closed()).toEqual(EXPIRED);
  });

  it.each<[string, unknown]>([
    ['PlackWebSocketModule.forRoot', { expiresAt: 5 }],
    ['@WsEndpoint of Own', undefined],
  ])('that is not a function is an error at boot: %s', async (where, options) => {
    const own = options === undefined ? { expiresAt: 'soon' as never } : {};
    const error: unknown = await start((options ?? {}) as never, own).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain(`${where}: expiresAt must be a function`);
  });
});
