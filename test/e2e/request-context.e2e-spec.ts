import { describe, expect, it } from '@jest/globals';
import { IncomingMessage } from 'node:http';
import { Inject } from '@nestjs/common';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { text } from '../support/raw-frame.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { certificate } from '../support/certificate.js';

const FIELDS = [
  'url',
  'path',
  'params',
  'query',
  'headers',
  'cookies',
  'host',
  'origin',
  'ip',
  'secure',
  'protocol',
  'protocols',
  'user',
  'results',
] as const;

/** Boots an endpoint that shows the client what its request context is, whenever it asks. */
async function boot(options: PlackWebSocketModuleOptions = {}, https?: typeof certificate): Promise<StartedApp> {
  @WsEndpoint({ path: 'rooms/:room{/*rest}', serializer: 'json' })
  class Room {
    @OnMessage()
    show({ context }: Connection): unknown {
      return Object.fromEntries(FIELDS.map((field) => [field, context[field]]));
    }
  }
  return startApp({
    endpoints: [Room],
    options: { origin: '*', ...options },
    ...(https === undefined ? {} : { https }),
  });
}

type Fields = Record<(typeof FIELDS)[number], unknown>;

async function fieldsOf(app: StartedApp, ...args: Parameters<StartedApp['connect']>): Promise<Fields> {
  const client = await app.connect(...args);
  void client.send(null);
  return client.nextJson<Fields>();
}

describe('the request context', () => {
  it.each([
    ['as it is', 'http://$host', '/ws/rooms/1?a=b'],
    ['in other letters', 'HTTP://$HOST', '/ws/rooms/1?a=b'],
  ])(
    'shows an absolute target that names the Host, %s, from its path on, as does the request',
    async (_how, front, rest) => {
      const seen = new Journal<unknown>();
      @WsEndpoint('rooms/:room')
      class Room {
        @OnMessage()
        show(connection: Connection): unknown {
          return connection.context.raw.url;
        }
      }
      const app = await startApp({
        endpoints: [Room],
        options: {
          origin: (_origin, { raw }) => seen.add(raw.url) === undefined,
          middleware: [
            ({ url }: IncomingMessage, _response: unknown, next: () => void) => {
              seen.add(url);
              next();
            },
          ],
          login: ({ url, path, query, params }) => {
            seen.add([url, path, { ...query }, { ...params }]);
            return true;
          },
        },
      });
      const peer = await app.peer();
      const host = `LocalHost:${app.port}`;
      const target = front.replace('$host', host.toLowerCase()).replace('$HOST', host.toUpperCase()) + rest;
      const origin = `http://${host}`;
      expect(await peer.upgrade({ path: target, headers: { Host: host, Origin: origin } })).toMatchObject({
        status: 101,
      });
      expect(seen.entries).toEqual([rest, rest, [rest, '/ws/rooms/1', { a: 'b' }, { room: '1' }]]);
      await peer.writeRaw(text('?'));
      expect((await peer.nextFrame()).text).toBe(rest);
    },
  );

  it('shows the request as it was sent', async () => {
    const app = await boot();
    const fields = await fieldsOf(app, '/ws/rooms/caf%C3%A9%2F1?a=1&b=x%20y&a=2&__proto__=p', {
      headers: { Cookie: 'sid=s%3D1; theme=dark', 'X-Own': 'Value', Host: 'chat.example:8080' },
      origin: 'https://app.example',
    });
    expect(fields).toMatchObject({
      url: '/ws/rooms/caf%C3%A9%2F1?a=1&b=x%20y&a=2&__proto__=p',
      path: '/ws/rooms/caf%C3%A9%2F1',
      params: { room: 'café/1' },
      headers: { 'x-own': 'Value', cookie: 'sid=s%3D1; theme=dark', upgrade: 'websocket' },
      cookies: { sid: 's=1', theme: 'dark' },
      host: 'chat.example:8080',
      origin: 'https://app.example',
      ip: '127.0.0.1',
      secure: false,
      protocol: '',
      protocols: [],
      results: [],
    });
    expect(Object.entries(fields.query as object)).toEqual([
      ['a', ['1', '2']],
      ['b', 'x y'],
      ['__proto__', 'p'],
    ]);
  });

  it('has a list for a wildcard', async () => {
    const fields = await fieldsOf(await boot(), '/ws/rooms/1/a/b%2Fc/');
    expect(fields.params).toEqual({ room: '1', rest: ['a', 'b/c', ''] });
  });

  it('decodes the path once', async () => {
    const fields = await fieldsOf(await boot(), '/ws/rooms/%2561');
    expect(fields.params).toEqual({ room: '%61' });
  });

  it('is empty where the request says nothing', async () => {
    const fields = await fieldsOf(await boot(), '/ws/rooms/1');
    expect(fields).toMatchObject({ query: {}, cookies: {}, protocols: [], results: [] });
    expect(fields).not.toHaveProperty('origin');
    expect(fields).not.toHaveProperty('user');
  });

  it.each(['constructor', 'toString', '__proto__'])('has no %s that the client did not send', async (name) => {
    let found: unknown[] = [];
    const app = await boot({ handshake: ({ query, cookies }) => void (found = [query[name], cookies[name]]) });
    await app.connect('/ws/rooms/1');
    expect(found).toEqual([undefined, undefined]);
  });

  it('keeps the subprotocols offered and the one agreed on', async () => {
    const fields = await fieldsOf(await boot({ protocols: ['v2'] }), '/ws/rooms/1', { protocols: ['v3', 'v2'] });
    expect(fields).toMatchObject({ protocols: ['v3', 'v2'], protocol: 'v2' });
  });

  it('keeps the results of the handshake and the user that it found', async () => {
    const app = await boot({
      handshake: (context, response) => {
        context.user = { name: 'alice' };
        return [response, 'first', { second: 2 }];
      },
    });
    expect(await fieldsOf(app, '/ws/rooms/1')).toMatchObject({
      user: { name: 'alice' },
      results: ['first', { second: 2 }],
    });
  });

  it('takes the user from the request, where guards and passport put it', async () => {
    const app = await boot({ handshake: ({ raw }) => void Object.assign(raw, { user: 'bob' }) });
    expect((await fieldsOf(app, '/ws/rooms/1')).user).toBe('bob');
    const [connection] = app.registry;
    expect(connection?.user).toBe('bob');
  });

  it('is the same object for hook, establish and messages, with the request itself in it', async () => {
    const seen: unknown[] = [];
    @WsEndpoint('probe')
    class Probe {
      @OnEstablish()
      enter(connection: Connection, context: RequestContext): void {
        seen.push(connection.context, context);
      }

      @OnMessage()
      say({ context }: Connection): void {
        seen.push(context);
      }
    }
    const app = await startApp({ endpoints: [Probe], options: { handshake: (context) => void seen.push(context) } });
    const client = await app.connect('/ws/probe');
    await client.send('x');
    await client.close();
    expect(new Set(seen).size).toBe(1);
    expect(seen).toHaveLength(4);
    const [context] = seen as RequestContext[];
    expect(context).toBeInstanceOf(RequestContext);
    expect(context?.raw).toBeInstanceOf(IncomingMessage);
    expect(context?.raw.url).toBe('/ws/probe');
  });

  it('computes what it derives from the request once', async () => {
    const asked: [string, number][] = [];
    const app = await boot({
      trustProxy: (...question) => asked.push(question) > 0,
      protocols: ['v2'],
    });
    const forwarded = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Host': 'a.example',
      'X-Forwarded-Proto': 'https',
    };
    await app.connect('/ws/rooms/1', { headers: forwarded, protocols: ['v2'], origin: 'https://a.example' });
    const [connection] = app.registry;
    const look = (): unknown[] => {
      const { ip, host, secure, protocols, query, cookies } = connection?.context ?? {};
      return [ip, host, secure, protocols, query, cookies];
    };
    const first = look();
    look().forEach((value, index) => expect(value).toBe(first[index]));
    expect(asked).toEqual([
      ['127.0.0.1', 0],
      ['203.0.113.9', 1],
    ]);
  });

  it('is secure on an https server', async () => {
    const app = await boot({}, certificate);
    expect(await fieldsOf(app, '/ws/rooms/1')).toMatchObject({ secure: true, ip: '127.0.0.1' });
  });

  it('lends what HTTP guards look for to the connection', async () => {
    const app = await boot();
    await app.connect('/ws/rooms/7?x=1', { headers: { 'X-Own': 'v' } });
    const [connection] = app.registry;
    expect(connection).toMatchObject({ url: '/ws/rooms/7?x=1', params: { room: '7' }, query: { x: '1' } });
    expect(connection?.headers['x-own']).toBe('v');
  });
});

describe('the request context after the end', () => {
  it('says the same as before, although nobody has asked it yet', async () => {
    const seen = new Journal<object>();
    @WsEndpoint('probe')
    class Probe {
      constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

      @OnFinish()
      leave({ context }: Connection): void {
        const { ip, host, secure } = context;
        seen.add({ ip, host, secure, url: this.registry.url(Probe, {}, context) });
      }
    }
    const app = await startApp({ endpoints: [Probe], options: { trustProxy: 'loopback' } });
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Host': 'a.example', 'X-Forwarded-Proto': 'https' };
    await (await app.connect('/ws/probe', { headers })).terminate();
    await (await app.connect('/ws/probe', { headers: { Host: 'b.example' } })).close();
    await seen.reached(2);
    expect(seen.entries).toEqual([
      { ip: '203.0.113.9', host: 'a.example', secure: true, url: 'wss://a.example/ws/probe' },
      { ip: '127.0.0.1', host: 'b.example', secure: false, url: 'ws://b.example/ws/probe' },
    ]);
  });
});

describe('trustProxy', () => {
  const forwarded = {
    'X-Forwarded-For': '203.0.113.9, 10.0.0.1',
    'X-Forwarded-Host': 'public.example, inner.example',
    'X-Forwarded-Proto': 'https, http',
    Host: 'inner:3000',
  };
  const believed = { ip: '203.0.113.9', host: 'public.example', secure: true };
  const direct = { ip: '127.0.0.1', host: 'inner:3000', secure: false };
  const nearest = { ip: '10.0.0.1', host: 'inner.example', secure: false };

  it.each<[string, PlackWebSocketModuleOptions, object]>([
    ['nothing by default', {}, direct],
    ['nothing with false', { trustProxy: false }, direct],
    ['everything with true', { trustProxy: true }, believed],
    ['one hop with 1', { trustProxy: 1 }, nearest],
    ['two hops with 2', { trustProxy: 2 }, believed],
    ['an address', { trustProxy: '127.0.0.1' }, nearest],
    ['names and ranges', { trustProxy: ['loopback', '10.0.0.0/8'] }, believed],
    ['nobody else than those addresses', { trustProxy: '192.0.2.1' }, direct],
    ['whom a function names', { trustProxy: (address) => address !== '203.0.113.9' }, believed],
    ['nobody whom a function does not name', { trustProxy: () => false }, direct],
  ])('believes %s', async (_what, options, expected) => {
    expect(await fieldsOf(await boot(options), '/ws/rooms/1', { headers: forwarded })).toMatchObject(expected);
  });

  it('falls back to the request itself where the proxy says nothing', async () => {
    const fields = await fieldsOf(await boot({ trustProxy: true }), '/ws/rooms/1', { headers: { Host: 'inner:3000' } });
    expect(fields).toMatchObject(direct);
  });

  it('believes a proxy about http on a connection that is encrypted', async () => {
    const app = await boot({ trustProxy: true }, certificate);
    const fields = await fieldsOf(app, '/ws/rooms/1', { headers: { 'X-Forwarded-Proto': 'http' } });
    expect(fields.secure).toBe(false);
  });
});
