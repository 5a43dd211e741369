import { describe, expect, it } from '@jest/globals';
import { OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

/** As the ids of MongoDB: an object for each query, equal by what it writes, with a name `id` of its own. */
class ObjectId {
  constructor(private readonly hex: string) {}

  get id(): Uint8Array {
    return Buffer.from(this.hex, 'hex');
  }

  toHexString(): string {
    return this.hex;
  }
}

/** An id of a value class. */
class Uuid {
  constructor(private readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

const limits = { maxConnectionsPerUser: 1 };

/** An application whose clients are the users that `make` makes of the name in their query, a new one each time. */
function boot(make: (name: string) => unknown, options: PlackWebSocketModuleOptions = { limits }): Promise<StartedApp> {
  return startApp({
    endpoints: [Echo],
    options: { handshake: (context) => void (context.user = make(String(context.query['name']))), ...options },
  });
}

async function statusOf(app: StartedApp, name: string): Promise<number> {
  return (await (await app.peer()).upgrade({ path: `/ws/echo?name=${name}` })).status;
}

describe('limits.maxConnectionsPerUser', () => {
  it.each<[string, (name: string) => unknown]>([
    ['an id', (id) => ({ id })],
    ['a sub', (sub) => ({ sub })],
    ['an _id', (_id) => ({ _id })],
    ['an ObjectId as _id', (name) => ({ _id: new ObjectId(name) })],
    ['an ObjectId as id', (name) => ({ id: new ObjectId(name) })],
    ['an ObjectId that is the user', (name) => new ObjectId(name)],
    ['an object that writes itself', (name) => ({ id: new Uuid(name) })],
    ['bytes', (name) => ({ id: Buffer.from(name, 'hex') })],
    ['a bigint', (name) => ({ id: BigInt(name) })],
    ['a bigint that is the user', (name) => BigInt(name)],
    ['a number', (name) => ({ id: Number(name) })],
    ['a text that is the user', (name) => name],
  ])('tells users apart by %s', async (_what, make) => {
    const app = await boot(make);
    expect(await statusOf(app, '10')).toBe(101);
    expect(await statusOf(app, '10')).toBe(429);
    expect(await statusOf(app, '11')).toBe(101);
  });

  it('takes 1, 1n and "1" for one user, and 0 for a user', async () => {
    const ids = [1, '1', 1n, 0, '0'];
    const app = await boot(() => ({ id: ids.shift() }));
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push(await statusOf(app, ''));
    expect(statuses).toEqual([101, 429, 429, 101, 429]);
  });

  it.each<[string, unknown]>([
    ['an object without an id', { name: 'zoe' }],
    ['an object as id', { id: { tenant: 1, user: 2 } }],
    ['a list', { id: ['a', 'b'] }],
    ['NaN', { id: Number.NaN }],
    ['a Date', { id: new Date(0) }],
    ['an object that writes itself, without an id', new Uuid('secret')],
    ['a boolean', true],
    ['a symbol', Symbol('ann')],
    ['a function', () => 'ann'],
    ['an object that writes no text', { id: { toString: () => 5 } }],
  ])('refuses with 500 and names the option for a user that cannot be compared: %s', async (_what, user) => {
    const app = await boot(() => user);
    expect(await statusOf(app, 'secret')).toBe(500);
    const [line, ...others] = app.logs.problems;
    expect(line).toMatch(/limits\.maxConnectionsPerUser cannot tell users apart: context\.user gives .* set userId: /);
    expect(line).not.toMatch(/zoe|secret/);
    expect(others).toEqual([]);
  });

  it('asks userId, and says so when what it gave cannot be compared', async () => {
    const app = await boot((name) => ({ key: { name } }), {
      limits,
      userId: ({ user }) => (user as { key: { name: string } }).key,
    });
    expect(await statusOf(app, 'ann')).toBe(500);
    expect(app.logs.problems.join()).toMatch(/cannot tell users apart: userId gives an object that writes no text\./);
  });

  it.each([null, undefined])('counts for a user only: not for %p', async (user) => {
    const app = await boot(() => user);
    expect([await statusOf(app, ''), await statusOf(app, '')]).toEqual([101, 101]);
  });
});

it('without such a limit any user may come in', async () => {
  const app = await boot(() => ({ name: 'ann' }), {});
  expect([await statusOf(app, ''), await statusOf(app, '')]).toEqual([101, 101]);
  expect(app.logs.problems).toEqual([]);
});

describe('trustProxy: true with a limit per address', () => {
  const WARNING = /limits\.maxConnectionsPerIp counts by addresses that clients can write themselves.*trustProxy/;

  it('is warned of at boot, on the module and on an endpoint', async () => {
    @WsEndpoint({ path: 'own', limits: { maxConnectionsPerIp: 2 } })
    class Own extends Echo {}
    const both = await startApp({
      endpoints: [Echo, Own],
      options: { trustProxy: true, limits: { maxConnectionsPerIp: 5 } },
    });
    const [ofModule, ofEndpoint, ...others] = both.logs.at('warn');
    expect(ofModule).toMatch(WARNING);
    expect(ofModule).toMatch(/^PlackWebSocketModule\.forRoot: /);
    expect(ofEndpoint).toMatch(WARNING);
    expect(ofEndpoint).toMatch(/^@WsEndpoint of Own: /);
    expect(others).toEqual([]);
  });

  it.each<[string, PlackWebSocketModuleOptions]>([
    ['a proxy that is named', { trustProxy: 'loopback', limits: { maxConnectionsPerIp: 5 } }],
    ['a number of hops', { trustProxy: 1, limits: { maxConnectionsPerIp: 5 } }],
    ['no limit', { trustProxy: true }],
  ])('is a warning that %s does not get', async (_what, options) => {
    const app = await startApp({ endpoints: [Echo], options });
    expect(app.logs.at('warn')).toEqual([]);
  });
});
