import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import { WebSocket } from 'ws';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type TrustProxy,
} from '../../src/index.js';
import { afterTest, createApp, startApp, type StartedApp } from '../support/start-app.js';

interface Seen {
  readonly ip: string;
  readonly host: string;
  readonly secure: boolean;
}

@WsEndpoint({ path: 'seen', serializer: 'json' })
class SeenEndpoint {
  @OnEstablish()
  enter(connection: Connection): void {
    const { ip, host, secure } = connection.context;
    void connection.send({ ip, host, secure });
  }
}

@Controller()
class Where {
  constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

  @Get('where')
  where(@Req() request: never): string {
    return this.registry.url(SeenEndpoint, {}, request);
  }
}

type Headers = Record<string, string>;

const boot = (options: PlackWebSocketModuleOptions): Promise<StartedApp> =>
  startApp({ endpoints: [SeenEndpoint], controllers: [Where], options });

async function seen(app: StartedApp, headers: Headers): Promise<Seen> {
  return (await app.connect('/ws/seen', { headers })).nextJson<Seen>();
}

async function statusOf(app: StartedApp, headers: Headers): Promise<number> {
  return (await (await app.peer()).upgrade({ path: '/ws/seen', headers })).status;
}

/** The URL that a page gets which is asked for with these headers. */
async function urlOf(app: StartedApp, headers: Headers): Promise<string> {
  const peer = await app.peer();
  const lines = Object.entries({ Host: 'inner:3000', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  await peer.writeRaw(`GET /where HTTP/1.1\r\n${lines.join('')}\r\n`);
  return (await peer.nextAnswer()).body;
}

const from = (address: string): Headers => ({ 'X-Forwarded-For': address });

describe('the address of a client behind a trusted proxy', () => {
  it.each([
    ['192.0.2.7:40001', '192.0.2.7'],
    ['[2001:db8::7]:1', '2001:db8::7'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['unknown', ''],
    ['<script>alert(1)</script>', ''],
    ['_hidden', ''],
  ])('that is written as %s is %p', async (written, ip) => {
    const app = await boot({ trustProxy: 'loopback' });
    expect(await seen(app, from(written))).toMatchObject({ ip });
  });

  it.each(['10.0.0.6:80', '[::ffff:10.0.0.6]:80', '::FFFF:10.0.0.6', '::ffff:a00:6'])(
    'is found behind another trusted proxy that is written as %s',
    async (proxy) => {
      const app = await boot({ trustProxy: ['loopback', '10.0.0.0/8'] });
      expect(await seen(app, from(`203.0.113.9, ${proxy}`))).toMatchObject({ ip: '203.0.113.9' });
    },
  );

  it('is given to a function in one spelling, and only true is a yes', async () => {
    const asked: [string, number][] = [];
    const trustProxy: TrustProxy = (address, hop) => {
      asked.push([address, hop]);
      return (hop < 2 ? true : 'yes') as boolean;
    };
    const app = await boot({ trustProxy });
    const { ip } = await seen(app, from('198.51.100.1, 2001:DB8::6, [::ffff:10.0.0.6]:80'));
    expect(ip).toBe('2001:db8::6');
    expect(asked).toEqual([
      ['127.0.0.1', 0],
      ['10.0.0.6', 1],
      ['2001:db8::6', 2],
    ]);
  });

  it.each(['192.0.2.7:40002', '::ffff:192.0.2.7', '[::ffff:c000:207]:80'])(
    'counts once, also when it is written as %s',
    async (again) => {
      const app = await boot({ trustProxy: 'loopback', limits: { maxConnectionsPerIp: 1 } });
      await app.connect('/ws/seen', { headers: from('192.0.2.7:40001') });
      expect(await statusOf(app, from(again))).toBe(429);
      expect(await statusOf(app, from('192.0.2.8'))).toBe(101);
    },
  );

  it('counts with all others of its IPv6 /64, and with nobody of the next', async () => {
    const app = await boot({ trustProxy: 'loopback', limits: { maxConnectionsPerIp: 1 } });
    await app.connect('/ws/seen', { headers: from('2001:db8:0:7::1') });
    expect(await statusOf(app, from('2001:DB8:0:7:ffff:ffff:ffff:ffff'))).toBe(429);
    expect(await statusOf(app, from('2001:db8:0:8::1'))).toBe(101);
  });

  it('that is not known counts for nobody', async () => {
    const app = await boot({ trustProxy: 'loopback', limits: { maxConnectionsPerIp: 1 } });
    expect(await statusOf(app, from('unknown'))).toBe(101);
    expect(await statusOf(app, from('unknown'))).toBe(101);
  });
});

describe('the peer of a UNIX socket', () => {
  async function listen(options: PlackWebSocketModuleOptions): Promise<(headers: Headers) => WebSocket> {
    const folder = await mkdtemp(join(tmpdir(), 'plack-'));
    const { app } = await createApp({ endpoints: [SeenEndpoint], options });
    afterTest(() => rm(folder, { recursive: true }));
    await app.init();
    const path = join(folder, 'socket');
    await once(app.getHttpServer().listen(path), 'listening');
    return (headers) => {
      const client = new WebSocket(`ws+unix:${path}:/ws/seen`, { headers });
      afterTest(() => client.terminate());
      return client;
    };
  }

  async function ipOf(client: WebSocket): Promise<string> {
    const [data] = (await once(client, 'message')) as [Buffer];
    return (JSON.parse(data.toString()) as Seen).ip;
  }

  it.each<[string, TrustProxy]>([
    ['true', true],
    ['1', 1],
    ['a function', (address, hop) => address === '' && hop === 0],
  ])('is a proxy that is believed with trustProxy: %s', async (_what, trustProxy) => {
    const connect = await listen({ trustProxy });
    expect(await ipOf(connect(from('203.0.113.9')))).toBe('203.0.113.9');
  });

  it('is not believed by default, and is not one client for limits', async () => {
    const connect = await listen({ limits: { maxConnectionsPerIp: 1 } });
    expect(await Promise.all([1, 2, 3].map(() => ipOf(connect(from('203.0.113.9')))))).toEqual(['', '', '']);
  });

  it('has clients that are counted one by one', async () => {
    const connect = await listen({ trustProxy: 1, limits: { maxConnectionsPerIp: 1 } });
    await ipOf(connect(from('203.0.113.1')));
    await ipOf(connect(from('203.0.113.2')));
    const [error] = (await once(connect(from('203.0.113.1')), 'error')) as [Error];
    expect(error.message).toContain('429');
  });
});

describe('of a list that proxies wrote, the member counts that trustProxy reaches', () => {
  // A client plays a proxy, and a real one writes behind it.
  const forged: Headers = {
    'X-Forwarded-For': '198.51.100.66, 203.0.113.9',
    'X-Forwarded-Host': 'evil.example, app.example',
    'X-Forwarded-Proto': 'http, https',
  };
  const real = { ip: '203.0.113.9', host: 'app.example', secure: true };

  it.each<[string, TrustProxy]>([
    ['one hop', 1],
    ['its address', '127.0.0.1'],
    ['a function', (address) => address === '127.0.0.1'],
  ])('for host and scheme as for the address: %s', async (_what, trustProxy) => {
    const app = await boot({ trustProxy });
    expect(await seen(app, forged)).toEqual(real);
    expect(await statusOf(app, { ...forged, Origin: 'https://app.example' })).toBe(101);
    expect(await statusOf(app, { ...forged, Origin: 'http://evil.example' })).toBe(403);
    expect(await urlOf(app, forged)).toBe('wss://app.example/ws/seen');
  });

  it('which is the only one where the proxy replaces lists', async () => {
    const app = await boot({ trustProxy: 2 });
    const headers = { 'X-Forwarded-For': '203.0.113.9, 10.0.0.1', 'X-Forwarded-Host': 'app.example' };
    expect(await seen(app, headers)).toMatchObject({ ip: '203.0.113.9', host: 'app.example' });
  });

  it('and without addresses, that of the direct peer', async () => {
    const app = await boot({ trustProxy: 2 });
    const { 'X-Forwarded-For': _none, ...rest } = forged;
    expect(await seen(app, rest)).toEqual({ ...real, ip: '127.0.0.1' });
  });

  it('and the first of all with true', async () => {
    const app = await boot({ trustProxy: true });
    expect(await seen(app, forged)).toEqual({ ip: '198.51.100.66', host: 'evil.example', secure: false });
  });
});

describe('X-Forwarded-Port', () => {
  const behind = (fields: Headers): Headers => ({ Host: 'app.example', 'X-Forwarded-Proto': 'https', ...fields });

  it.each<[string, Headers, string]>([
    ['is the port of a host that has none', { 'X-Forwarded-Port': '8443' }, 'app.example:8443'],
    [
      'is the port of a forwarded host that has none',
      { 'X-Forwarded-Host': 'a.example', 'X-Forwarded-Port': '8443' },
      'a.example:8443',
    ],
    ['is the port of an IPv6 address', { 'X-Forwarded-Host': '[::1]', 'X-Forwarded-Port': '8443' }, '[::1]:8443'],
    [
      'yields to the port that a host has',
      { 'X-Forwarded-Host': 'a.example:81', 'X-Forwarded-Port': '8443' },
      'a.example:81',
    ],
    ['is left out where it is the usual one', { 'X-Forwarded-Port': '443' }, 'app.example'],
    ['is left out where it is that of another scheme', { 'X-Forwarded-Port': '80' }, 'app.example'],
    ['is read as far as trust reaches', { 'X-Forwarded-Port': '1, 8443' }, 'app.example:8443'],
    ['is ignored when it is no number', { 'X-Forwarded-Port': '8443/x' }, 'app.example'],
  ])('%s', async (_what, fields, host) => {
    const app = await boot({ trustProxy: 'loopback' });
    const headers = behind(fields);
    expect(await seen(app, headers)).toMatchObject({ host });
    expect(await statusOf(app, { ...headers, Origin: `https://${host}` })).toBe(101);
    expect(await urlOf(app, headers)).toBe(`wss://${host}/ws/seen`);
  });

  it('of a peer that is not trusted counts for nothing', async () => {
    const app = await boot({});
    const headers = { Host: 'app.example', 'X-Forwarded-Port': '8443', 'X-Forwarded-Prefix': '/x' };
    expect(await statusOf(app, { ...headers, Origin: 'http://app.example:8443' })).toBe(403);
    expect(await urlOf(app, headers)).toBe('ws://app.example/ws/seen');
  });
});

describe('X-Forwarded-Prefix', () => {
  it.each([
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/outer, /inner', '/inner'],
    ['', ''],
    ['/', ''],
    ['api', ''],
    ['//evil.example', ''],
    ['/../x', ''],
    ['/a/..', ''],
    ['/a?b', ''],
    ['/a b', ''],
    ['/%2e%2e', ''],
  ])('%p stands as %p in front of the path in a URL', async (prefix, expected) => {
    const app = await boot({ trustProxy: 'loopback' });
    const headers = { 'X-Forwarded-Host': 'app.example', 'X-Forwarded-Prefix': prefix };
    expect(await urlOf(app, headers)).toBe(`ws://app.example${expected}/ws/seen`);
  });

  it('of several trusted proxies is put together, the outer one first', async () => {
    const app = await boot({ trustProxy: 2 });
    const headers = {
      ...from('203.0.113.9, 10.0.0.1'),
      Host: 'a.example',
      'X-Forwarded-Prefix': '/evil, /outer, /inner',
    };
    expect(await urlOf(app, headers)).toBe('ws://a.example/outer/inner/ws/seen');
  });
});

describe('Forwarded (RFC 7239)', () => {
  const direct = { ip: '127.0.0.1', host: 'inner:3000', secure: false };

  it.each<[string, string, Partial<Seen>]>([
    [
      'all of it',
      'for=192.0.2.60;proto=https;by=203.0.113.43;host=app.example',
      { ip: '192.0.2.60', host: 'app.example', secure: true },
    ],
    ['names in any case', 'For=192.0.2.60;PROTO=HTTPS', { ip: '192.0.2.60', secure: true }],
    ['an IPv6 address with a port, in quotes', 'for="[2001:DB8:cafe::17]:4711"', { ip: '2001:db8:cafe::17' }],
    ['a host with a port, in quotes', 'for=192.0.2.60;host="app.example:8443"', { host: 'app.example:8443' }],
    ['an escaped character', 'for=192.0.2.60;host="app\\.example"', { host: 'app.example' }],
    ['spaces after a separator', 'for=192.0.2.60; proto=https', { secure: true }],
    [
      'the element of the direct peer',
      'for=198.51.100.66;host=evil.example, for=192.0.2.60;host=app.example',
      { ip: '192.0.2.60', host: 'app.example' },
    ],
    [
      'a quote that the client left open',
      'for="198.51.100.66, for=192.0.2.60;host=app.example',
      { ip: '192.0.2.60', host: 'app.example' },
    ],
    [
      'a quote that the client left open, and quotes behind it',
      'for=x;host=", for=192.0.2.60;host="app.example"',
      { ip: '192.0.2.60', host: 'app.example' },
    ],
    ['a comma in quotes', 'for=192.0.2.60;host="a,b"', { ip: '192.0.2.60', host: 'a,b' }],
    ['no client', 'proto=https', { ip: '', secure: true }],
    ['an unknown client', 'for=unknown;host=app.example', { ip: '', host: 'app.example' }],
    ['nothing, when the element is broken', 'for=192.0.2.60;host', { ...direct, ip: '' }],
    ['nothing, when the element says it twice', 'for=192.0.2.60;for=192.0.2.61', { ...direct, ip: '' }],
    ['nothing, when it is empty', ' , ', direct],
  ])('of a trusted proxy says %s', async (_what, forwarded, expected) => {
    const app = await boot({ trustProxy: 'loopback' });
    expect(await seen(app, { Host: 'inner:3000', Forwarded: forwarded })).toMatchObject({ ...expected });
  });

  it('is followed over two trusted proxies: what the outer one leaves out, the inner one says', async () => {
    const app = await boot({ trustProxy: 2 });
    const Forwarded =
      'for=198.51.100.66;host=evil.example, for=203.0.113.9;proto=https, for=10.0.0.1;host=app.example;proto=http';
    expect(await seen(app, { Forwarded })).toEqual({ ip: '203.0.113.9', host: 'app.example', secure: true });
    expect(await statusOf(app, { Forwarded, Origin: 'https://app.example' })).toBe(101);
    expect(await urlOf(app, { Forwarded })).toBe('wss://app.example/ws/seen');
  });

  it('is not looked at where the proxy writes X-Forwarded fields, even others', async () => {
    const app = await boot({ trustProxy: 'loopback' });
    const Forwarded = 'for=198.51.100.66;host=evil.example;proto=https';
    const headers = { Host: 'app.example', ...from('203.0.113.9'), Forwarded };
    expect(await seen(app, headers)).toEqual({ ip: '203.0.113.9', host: 'app.example', secure: false });
  });

  it('of a peer that is not trusted counts for nothing', async () => {
    const app = await boot({});
    expect(await seen(app, { Host: 'inner:3000', Forwarded: 'for=192.0.2.60;host=evil.example' })).toEqual(direct);
  });
});
