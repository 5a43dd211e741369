import { describe, expect, it, jest } from '@jest/globals';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ConnectOptions, QueuedClient } from '../../src/testing.js';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { patient } from '../support/patience.js';

jest.setTimeout(patient(30_000));

/** An application with a neighbour, while it runs. */
class Application {
  constructor(readonly child: ChildApp) {}

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.child.port}`);
  }

  connect(path: string, options?: Partial<ConnectOptions>): Promise<QueuedClient> {
    return connect(this.url, path, options);
  }

  async text(path: string, init?: RequestInit): Promise<string> {
    return (await fetch(new URL(path, this.url), init)).text();
  }

  async json(path: string, init?: RequestInit): Promise<unknown> {
    return JSON.parse(await this.text(path, init));
  }
}

interface Case {
  readonly name: string;
  /** What comes out over HTTP. */
  readonly answer: unknown;
  /** What comes out over WebSocket, to the question "why"; the same if it is not given. */
  readonly reply?: unknown;
  /** What only this neighbour does. */
  readonly more?: (app: Application) => Promise<void>;
  /** What it writes while it starts and stops, beside errors and warnings, of which there are none. */
  readonly stdout?: RegExp;
  /** Needs no other program. */
  readonly fast: boolean;
}

const CASES: readonly Case[] = [
  {
    name: 'schedule',
    fast: true,
    answer: ['clock', 'ticker', 'rarely'],
    more: async (app) => {
      const client = await app.connect('/ws/clock');
      expect([await client.next(), await client.next()]).toEqual(['tick', 'tick']);
    },
  },
  {
    name: 'event-emitter',
    fast: true,
    answer: ['heard a question'],
    more: async (app) => {
      const client = await app.connect('/ws/events');
      await app.text('/answer');
      expect(await client.next()).toBe('heard a question');
    },
  },
  { name: 'cqrs', fast: true, answer: ['noted'] },
  { name: 'bullmq', fast: false, answer: 'done work' },
  {
    name: 'cache-manager',
    fast: true,
    answer: ['kept', 1],
    reply: ['kept', 'why'],
    more: async (app) => {
      expect(await app.json('/answer')).toEqual({ answer: ['kept', 1] });
      const client = await app.connect('/ws/ask');
      for (const data of ['one', 'other']) {
        void client.send({ event: 'ask', data });
        expect(await client.nextJson()).toEqual({ event: 'ask', data: ['kept', data] });
      }
    },
  },
  {
    name: 'config',
    fast: true,
    answer: 'configured',
    more: async (app) => {
      const client = await app.connect('/ws/greeting');
      void client.send('hello');
      expect(await client.next()).toBe('configured');
    },
  },
  {
    name: 'jwt',
    fast: true,
    answer: 'ada',
    more: async (app) => {
      await expect(app.connect('/ws/guarded')).rejects.toMatchObject({ status: 401 });
      const authorization = `Bearer ${await app.text('/token')}`;
      const client = await app.connect('/ws/guarded', { headers: { authorization } });
      void client.send('who am I');
      expect(await client.next()).toBe('ada');
    },
  },
  {
    name: 'passport',
    fast: true,
    answer: { name: 'ada' },
    more: async (app) => {
      await expect(app.connect('/ws/guarded')).rejects.toMatchObject({ status: 401 });
      const client = await app.connect('/ws/guarded', { headers: { 'x-name': 'ada' } });
      void client.send('who am I');
      expect(await client.next()).toBe('ada');
    },
  },
  {
    name: 'passport-jwt',
    fast: true,
    answer: 'ada',
    more: async (app) => {
      const bearer = async (seconds: number): Promise<Partial<ConnectOptions>> => ({
        headers: { authorization: `Bearer ${await app.text(`/token?seconds=${seconds}`)}` },
      });
      await expect(app.connect('/ws/account')).rejects.toMatchObject({ status: 401 });
      await expect(app.connect('/ws/account', await bearer(-1))).rejects.toMatchObject({ status: 401 });
      const cookie = `token=${await app.text('/token?seconds=60')}`;
      const page = await app.connect('/ws/account', { headers: { cookie } });
      const short = await bearer(3);
      const [ending, renewed] = [await app.connect('/ws/account', short), await app.connect('/ws/account', short)];
      void renewed.send({ event: 'renew', data: await app.text('/token?seconds=60'), id: 1 });
      expect(await renewed.nextJson()).toEqual({ event: 'renew', id: 1 });
      expect(await ending.closed({ timeoutMs: patient(10_000) })).toMatchObject({ code: 4401 });
      for (const client of [page, renewed]) {
        void client.send({ event: 'who' });
        expect(await client.nextJson()).toEqual({ event: 'who', data: 'ada' });
      }
    },
  },
  {
    name: 'fastify-session',
    fast: true,
    answer: 'kept',
    more: async (app) => {
      const whoIs = async (headers: Record<string, string>): Promise<unknown> => {
        const client = await app.connect('/ws/who', { headers });
        void client.send('who am I');
        return client.next();
      };
      const body = JSON.stringify({ name: 'ada' });
      const headers = { 'content-type': 'application/json' };
      const login = await fetch(new URL('/login', app.url), { method: 'POST', headers, body });
      const [cookie = ''] = login.headers.getSetCookie();
      expect(await whoIs({ cookie: cookie.replace(/;.*/, '') })).toBe('ada');
      expect(await whoIs({ cookie: 'sessionId=forged.AAAA' })).toBe('a stranger');
      expect(await whoIs({})).toBe('a stranger');
    },
  },
  {
    name: 'throttler',
    fast: true,
    answer: 'unthrottled',
    more: async (app) => {
      for (let handshakes = 0; handshakes < 3; handshakes++) {
        const client = await app.connect('/ws/throttled');
        void client.send('hello');
        expect(await client.next()).toBe('heard');
      }
      await expect(app.connect('/ws/throttled')).rejects.toMatchObject({ status: 429 });
    },
  },
  {
    name: 'terminus',
    fast: true,
    answer: { websocket: { status: 'up' } },
    more: async (app) => {
      expect(await app.json('/health')).toMatchObject({ status: 'ok', details: { websocket: { status: 'up' } } });
    },
  },
  {
    name: 'swagger',
    fast: true,
    answer: 'documented',
    more: async (app) => {
      expect(Object.keys(((await app.json('/api-json')) as { paths: object }).paths)).toEqual(['/answer']);
    },
  },
  {
    name: 'graphql',
    fast: true,
    answer: 'resolved',
    more: async (app) => {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ answer }' }),
      };
      expect(await app.json('/graphql', init)).toEqual({ data: { answer: 'resolved' } });
      const subscriber = createClient({ url: new URL('/graphql', app.url).href, webSocketImpl: WebSocket });
      const ticks = [];
      for await (const tick of subscriber.iterate({ query: 'subscription { ticks }' })) ticks.push(tick);
      expect(ticks).toEqual([{ data: { ticks: 'first' } }, { data: { ticks: 'second' } }]);
    },
  },
  {
    name: 'serve-static',
    fast: true,
    answer: 'beside pages',
    more: async (app) => {
      expect(await app.text('/')).toContain('A page');
      expect((await fetch(new URL('/ws/ask', app.url))).status).toBe(426);
    },
  },
  { name: 'axios', fast: true, answer: 'fetched' },
  { name: 'devtools', fast: true, answer: ['AskEndpoint.ask'] },
  {
    name: 'typeorm',
    fast: true,
    answer: 'ada',
    more: async (app) => {
      await using client = await app.connect('/ws/visit');
      void client.send('hello');
      expect(await client.next()).toBe('heard');
      app.child.kill('SIGTERM');
      expect(await app.child.heard('left')).toBe(1);
    },
  },
  { name: 'nestjs-pino', fast: true, answer: 'logged', stdout: /"context":"PlackWebSocket".*Mapped {\/ws\/ask, WS}/ },
  {
    name: 'nestjs-cls',
    fast: true,
    answer: ['nothing', 'by this call', 'string'],
    more: async (app) => {
      const client = await app.connect('/ws/ask');
      for (let messages = 0; messages < 2; messages++) {
        void client.send({ event: 'ask' });
        expect(await client.nextJson()).toEqual({ event: 'ask', data: ['nothing', 'by this call', 'string'] });
      }
    },
  },
  { name: 'nest-winston', fast: true, answer: 'logged', stdout: /Mapped {\/ws\/ask, WS}/ },
  {
    name: 'nestjs-otel',
    fast: true,
    answer: 'string',
    more: async (app) => {
      const client = await app.connect('/ws/traced');
      for (const event of ['outer', 'inner', 'outer']) await client.send({ event });
      const replies = [await client.nextJson(), await client.nextJson(), await client.nextJson()];
      expect(replies).toEqual([
        { event: 'outer', data: expect.arrayContaining(['answer']) },
        { event: 'inner', data: expect.arrayContaining(['answer', 'outer']) },
        { event: 'outer', data: expect.arrayContaining(['answer', 'outer', 'inner']) },
      ]);
    },
  },
  {
    name: 'prometheus',
    fast: true,
    answer: 'counted',
    more: async (app) => {
      expect(await app.text('/metrics')).toMatch(/^answers_total 2$/m);
    },
  },
  {
    name: 'hybrid',
    fast: false,
    answer: 'an answer to a question',
    more: async (app) => {
      const client = await app.connect('/ws/news');
      await app.text('/answer');
      expect(await client.next()).toBe('somebody asked');
    },
  },
];

/** Both ways to have a connection at hand: providers of ours differ. The fast half has the one with more of them. */
const FAST = process.env['NEIGHBOURS'] === 'fast';
const CONTEXTS = FAST ? ['async-local'] : ['async-local', 'parameters'];

describe.each(CONTEXTS)('with the context %s, beside', (context) => {
  it.each(CASES.filter(({ fast }) => fast || !FAST))(
    '$name: starts, answers over HTTP and WebSocket, stops with 1001',
    async ({ name, answer, reply = answer, more, stdout = /^/ }) => {
      const env = { NEIGHBOUR: name, CONTEXT: context };
      await using child = await ChildApp.run(new URL('./.out/serve.js', import.meta.url), {
        env,
        readyTimeoutMs: patient(25_000),
      });
      const app = new Application(child);
      expect(await app.json('/answer')).toEqual({ answer });
      const client = await app.connect('/ws/ask');
      void client.send({ event: 'ask', data: 'why', id: 1 });
      expect(await client.nextJson({ timeoutMs: patient(10_000) })).toEqual({ event: 'ask', data: reply, id: 1 });
      await more?.(app);
      child.kill('SIGTERM');
      expect(await client.closed({ timeoutMs: patient(10_000) })).toMatchObject({ code: 1001, clean: true });
      expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
      expect(child.stderr).toBe('');
      expect(child.stdout).toMatch(stdout);
    },
  );
});
