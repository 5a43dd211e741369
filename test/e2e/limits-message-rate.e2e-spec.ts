import { beforeEach, describe, expect, it } from '@jest/globals';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  Connection,
  OnMessage,
  TooManyMessagesError,
  WsEndpoint,
  type LimitsOptions,
  type PlackWebSocketModuleOptions,
  type RateOption,
} from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { bootError, startApp, type StartedApp } from '../support/start-app.js';

/** Nothing comes back within the time of a test. */
const SLOW = 1 / 3_600;

let handled: unknown[] = [];
beforeEach(() => {
  handled = [];
});

@WsEndpoint({ path: 'json', serializer: 'json' })
class Json {
  @OnMessage('say')
  say(_connection: Connection, data: unknown): string {
    handled.push(data);
    return 'said';
  }

  @OnMessage('other')
  other(): string {
    return 'heard';
  }

  @OnMessage('login')
  login(connection: Connection, user: string): string {
    connection.user = { id: user };
    return user;
  }
}

@WsEndpoint({ path: 'other', serializer: 'json' })
class Other extends Json {}

@WsEndpoint('raw')
class Raw {
  @OnMessage()
  say(_connection: Connection, message: string): string {
    handled.push(message);
    return message;
  }
}

@WebSocketGateway({ path: '/stock' })
class Stock {
  @SubscribeMessage('say')
  say(): object {
    return { event: 'said' };
  }
}

async function boot(rate: RateOption, options: PlackWebSocketModuleOptions = {}): Promise<StartedApp> {
  return startApp({
    endpoints: [Json, Other, Raw],
    providers: [Stock],
    options: { gateways: true, trustProxy: 1, limits: { rate }, ...options },
  });
}

async function ask(client: QueuedClient, event = 'say', data: unknown = 1): Promise<unknown> {
  void client.send({ event, data, id: 7 });
  return client.nextJson();
}

const SAID = { event: 'say', data: 'said', id: 7 };
const REFUSED = {
  event: 'error',
  id: 7,
  data: {
    code: 'too_many_messages',
    message: expect.stringMatching(/^Too many messages; the next one is taken in \d+ ms\.$/),
    details: { retryAfterMs: expect.any(Number) },
  },
};

describe('limits.rate', () => {
  it('answers one more under its id with the time to wait, does not handle it, and lets the connection live', async () => {
    const app = await boot({ perSecond: SLOW, burst: 2 });
    const client = await app.connect('/ws/json');
    expect([await ask(client), await ask(client)]).toEqual([SAID, SAID]);
    expect(await ask(client)).toEqual(REFUSED);
    void client.send('not json');
    expect(await client.nextJson()).toMatchObject({ data: { code: 'too_many_messages' } });
    expect([handled.length, client.state, app.logs.problems]).toEqual([2, 'open', []]);
    // By connection is the default.
    expect(await ask(await app.connect('/ws/json'))).toEqual(SAID);
  });

  it('takes the next message after the time that it said', async () => {
    const app = await boot({ perSecond: 100, burst: 1 });
    const client = await app.connect('/ws/json');
    let refused: unknown;
    for (let count = 0; count < 1_000 && refused === undefined; count++) {
      void client.send({ event: 'say' });
      void client.send({ event: 'say' });
      const answers = [await client.nextJson(), await client.nextJson()] as { event: string }[];
      refused = answers.find(({ event }) => event === 'error');
    }
    const { retryAfterMs } = (refused as { data: { details: { retryAfterMs: number } } }).data.details;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(10);
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs + 1));
    expect(await ask(client)).toEqual(SAID);
  });

  it.each<[string, RateOption]>([
    ['all messages', { perSecond: SLOW, burst: 2, exceeded: 'close' }],
    ['some events', { perSecond: SLOW, burst: 2, events: ['say'], exceeded: 'close' }],
  ])("closes 1008 with exceeded: 'close', and handles nothing more: %s", async (_what, rate) => {
    const app = await boot(rate);
    const client = await app.connect('/ws/json');
    for (let count = 0; count < 5; count++) void client.send({ event: 'say' });
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'too many messages' });
    expect(handled).toHaveLength(2);
  });

  it('counts some events only, where it names them', async () => {
    const app = await boot({ perSecond: SLOW, burst: 1, events: ['say'] });
    const client = await app.connect('/ws/json');
    expect(await ask(client)).toEqual(SAID);
    expect(await ask(client)).toEqual(REFUSED);
    for (let count = 0; count < 3; count++) expect(await ask(client, 'other')).toMatchObject({ data: 'heard' });
  });

  it('counts by address over all connections and endpoints, an IPv6 /64 as one', async () => {
    const app = await boot({ perSecond: SLOW, burst: 2, by: 'ip' });
    const from = (address: string, path = '/ws/json'): Promise<QueuedClient> =>
      app.connect(path, { headers: { 'X-Forwarded-For': address } });
    expect(await ask(await from('2001:db8:0:1::1'))).toEqual(SAID);
    expect(await ask(await from('2001:db8:0:1::2', '/ws/other'))).toEqual(SAID);
    expect(await ask(await from('2001:db8:0:1:ffff::3'))).toEqual(REFUSED);
    expect(await ask(await from('2001:db8:0:2::1'))).toEqual(SAID);
  });

  it('counts by user over all connections, from the login on, and by connection before it', async () => {
    const app = await boot({ perSecond: SLOW, burst: 2, by: 'user', events: ['say'] });
    const [one, two, guest] = [
      await app.connect('/ws/json'),
      await app.connect('/ws/other'),
      await app.connect('/ws/json'),
    ];
    for (const client of [one, two]) expect(await ask(client, 'login', 'ada')).toMatchObject({ data: 'ada' });
    expect([await ask(one), await ask(two)]).toEqual([SAID, SAID]);
    expect([await ask(one), await ask(two)]).toEqual([REFUSED, REFUSED]);
    expect(await ask(guest)).toEqual(SAID);
  });

  it('may be a function of the context, and undefined for none', async () => {
    const app = await boot(({ query }) =>
      query['plan'] === 'free' ? { perSecond: SLOW, burst: 1, by: 'ip' } : undefined,
    );
    const [free, paid] = [await app.connect('/ws/json?plan=free'), await app.connect('/ws/json')];
    expect(await ask(free)).toEqual(SAID);
    expect(await ask(free)).toEqual(REFUSED);
    for (let count = 0; count < 5; count++) expect(await ask(paid)).toEqual(SAID);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no plan');
      },
      /limits\.rate of Json failed: no plan/,
    ],
    ['gives a promise', () => Promise.reject(new Error('late')), /limits\.rate gave a promise/],
    [
      'gives what is wrong',
      () => ({ perSecond: 0 }),
      /what limits\.rate gives: perSecond must be a number of messages/,
    ],
  ])('closes 1011 with a line in the log where the function %s', async (_what, rate, line) => {
    const app = await boot(rate as RateOption);
    const client = await app.connect('/ws/json');
    void client.send({ event: 'say' });
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(app.logs.problems.join('\n')).toMatch(line);
    expect(handled).toEqual([]);
  });

  it('of the module closes a raw endpoint with 1008, which has no form for errors', async () => {
    const app = await boot({ perSecond: SLOW, burst: 1 });
    const client = await app.connect('/ws/raw');
    void client.send('one');
    void client.send('two');
    expect(await client.next()).toBe('one');
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'too many messages' });
  });

  it.each<[string, RateOption]>([
    ['all messages', { perSecond: SLOW, burst: 1 }],
    ['some events', { perSecond: SLOW, burst: 1, events: ['say'] }],
  ])('holds for gateways: %s', async (_what, rate) => {
    const client = await (await boot(rate)).connect('/stock');
    void client.send({ event: 'say' });
    expect(await client.nextJson()).toEqual({ event: 'said' });
    void client.send({ event: 'say' });
    expect(await client.nextJson()).toMatchObject({
      event: 'exception',
      data: { message: expect.stringContaining('Too many messages') },
    });
  });

  it('is answered by @OnError, if it wants to', async () => {
    @WsEndpoint({ path: 'own', serializer: 'json', limits: { rate: { perSecond: SLOW, burst: 1 } } })
    class Own extends Json {
      override other(): string {
        return 'heard';
      }
    }
    const app = await startApp({ endpoints: [Own], options: { limits: { messagesPerSecond: 1 } } });
    const client = await app.connect('/ws/own');
    // Its own rate takes the place of that of the module.
    for (let count = 0; count < 5; count++) void client.send({ event: 'say' });
    const events = [];
    for (let count = 0; count < 5; count++) events.push((await client.nextJson<{ event: string }>()).event);
    expect(events).toEqual(['say', 'error', 'error', 'error', 'error']);
    expect(new TooManyMessagesError(5)).toMatchObject({ code: 'too_many_messages', retryAfterMs: 5 });
  });

  it.each<[string, Partial<LimitsOptions>, Partial<LimitsOptions>, string, RegExp]>([
    [
      'both on the module',
      { rate: {}, messagesPerSecond: 5 },
      {},
      'json',
      /forRoot: limits\.messagesPerSecond is short for/,
    ],
    [
      'both on an endpoint',
      {},
      { rate: {}, messagesPerSecond: 5 },
      'json',
      /@WsEndpoint of Wrong: limits\.messagesPer/,
    ],
    [
      "its own 'answer' on a raw endpoint",
      {},
      { rate: { exceeded: 'answer' } },
      'raw',
      /Wrong: limits\.rate has exceeded/,
    ],
    [
      'events on a raw endpoint',
      {},
      { rate: { events: ['say'] } },
      'raw',
      /Wrong: limits\.rate has events, but the raw/,
    ],
    ['a rate of 0', { rate: { perSecond: 0 } }, {}, 'json', /limits\.rate\.perSecond must be a number of messages/],
    ['half a message at once', { rate: { burst: 0.5 } }, {}, 'json', /limits\.rate\.burst must be/],
    ['an unknown name', { rate: { perSeconds: 5 } as object }, {}, 'json', /Did you mean limits\.rate\.perSecond/],
    [
      'an event that is not a name',
      { rate: { events: [1 as never] } },
      {},
      'json',
      /limits\.rate\.events\[0\] must be/,
    ],
  ])('is an error at boot: %s', async (_what, ofModule, own, serializer, message) => {
    @WsEndpoint({ path: 'wrong', serializer: serializer as 'raw' | 'json', limits: own })
    class Wrong {
      @OnMessage()
      say(): void {}
    }
    const error = await bootError({ endpoints: [Wrong], options: { limits: ofModule } });
    expect(error.message).toMatch(message);
  });
});
