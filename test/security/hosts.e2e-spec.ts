import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import { ConnectionRegistry, OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import type { HttpAnswer } from '../support/raw-http.js';
import { bootError, createApp, startApp, type StartedApp } from '../support/start-app.js';

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

@Controller()
class Where {
  constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

  @Get('where')
  where(@Req() request: never): string {
    return this.registry.url(Echo, {}, request);
  }
}

type Headers = Record<string, string>;

const boot = (options: PlackWebSocketModuleOptions): Promise<StartedApp> =>
  startApp({ endpoints: [Echo], controllers: [Where], options });

async function upgrade(app: StartedApp, headers: Headers): Promise<HttpAnswer> {
  return (await app.peer()).upgrade({ path: '/ws/echo', headers });
}

async function statusOf(app: StartedApp, headers: Headers): Promise<number> {
  return (await upgrade(app, headers)).status;
}

/** The answer to a page that asks for the URL of the endpoint. */
async function askForUrl(app: StartedApp, headers: Headers): Promise<HttpAnswer> {
  const peer = await app.peer();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  await peer.writeRaw(`GET /where HTTP/1.1\r\n${lines.join('')}\r\n`);
  return peer.nextAnswer();
}

/** A page whose name was pointed at this server: its origin is that of its Host. */
const rebound = { Host: 'evil.example', Origin: 'http://evil.example' };

describe('hosts', () => {
  it.each<[string, string[], string]>([
    ['the name', ['app.example'], 'app.example'],
    ['the name on any port', ['app.example'], 'app.example:8443'],
    ['another case', ['App.Example'], 'aPP.example'],
    ['the name on its port', ['app.example:8443'], 'app.example:8443'],
    ['the usual port, which Host leaves out', ['app.example:80'], 'app.example'],
    ['the usual port, which Host names', ['app.example'], 'app.example:80'],
    ['a name below', ['*.app.example'], 'a.app.example'],
    ['a name far below', ['*.app.example:81'], 'b.a.app.example:81'],
    ['one of several', ['a.example', 'b.example'], 'b.example'],
    ['an address', ['127.0.0.1'], '127.0.0.1:3000'],
    ['an IPv6 address in another form', ['[::1]:3000'], '[0:0:0:0:0:0:0:1]:3000'],
    ['an internationalized name', ['bücher.example'], 'xn--bcher-kva.example'],
  ])('let in who asks for %s', async (_what, hosts, Host) => {
    expect(await statusOf(await boot({ hosts }), { Host, Origin: `http://${Host}` })).toBe(101);
  });

  it.each<[string, string[], string]>([
    ['another name', ['app.example'], 'evil.example'],
    ['a name that only begins the same', ['app.example'], 'app.example.evil.example'],
    ['a name that only ends the same', ['app.example'], 'evil-app.example'],
    ['a name below', ['app.example'], 'a.app.example'],
    ['the name above', ['*.app.example'], 'app.example'],
    ['a name that only ends the same as one below', ['*.app.example'], 'evilapp.example'],
    ['another port', ['app.example:8443'], 'app.example:8444'],
    ['no port where one is named', ['app.example:8443'], 'app.example'],
    ['a user in front', ['app.example'], 'app.example@evil.example'],
    ['a path behind', ['app.example'], 'app.example/evil'],
    ['nothing', ['app.example'], ''],
    ['anything, where none is named', [], 'app.example'],
  ])('answer 421 to who asks for %s', async (_what, hosts, Host) => {
    const answer = await upgrade(await boot({ hosts }), { Host });
    expect(answer).toMatchObject({ status: 421, statusText: 'Misdirected Request' });
    expect(JSON.parse(answer.body)).toEqual({
      statusCode: 421,
      message: 'misdirected request',
      error: 'Misdirected Request',
    });
  });

  it('keep out a page whose name was pointed at this server, which same-origin alone lets in', async () => {
    expect(await statusOf(await boot({}), rebound)).toBe(101);
    expect(await statusOf(await boot({ hosts: ['localhost'] }), rebound)).toBe(421);
  });

  it('are compared with what a trusted proxy says, and with nothing else that is forwarded', async () => {
    const hosts = ['app.example'];
    const forwarded = { Host: 'inner:3000', 'X-Forwarded-Host': 'app.example' };
    expect(await statusOf(await boot({ hosts, trustProxy: 'loopback' }), forwarded)).toBe(101);
    expect(await statusOf(await boot({ hosts }), forwarded)).toBe(421);
  });
});

describe('publicUrl', () => {
  const publicUrl = 'https://app.example:8443/base/';

  it('is the origin of own pages, whatever Host says', async () => {
    const app = await boot({ publicUrl });
    expect(await statusOf(app, { Host: 'inner:3000', Origin: 'https://app.example:8443' })).toBe(101);
    expect(await statusOf(app, { Host: 'inner:3000', Origin: 'http://inner:3000' })).toBe(403);
    expect(await statusOf(app, rebound)).toBe(403);
  });

  it('with hosts is one of the origins of own pages', async () => {
    const app = await boot({ publicUrl, hosts: ['app.example', 'other.example'] });
    expect(await statusOf(app, { Host: 'other.example', Origin: 'http://other.example' })).toBe(101);
    expect(await statusOf(app, { Host: 'other.example', Origin: 'https://app.example:8443' })).toBe(101);
    expect(await statusOf(app, { Host: 'other.example', Origin: 'http://app.example' })).toBe(403);
    expect(await statusOf(app, rebound)).toBe(421);
  });

  it('of the scheme wss is that of pages as well', async () => {
    const app = await boot({ publicUrl: 'wss://app.example' });
    expect(await statusOf(app, { Host: 'inner', Origin: 'https://app.example' })).toBe(101);
    expect(app.registry.url(Echo)).toBe('wss://app.example/ws/echo');
  });
});

describe('the URL of an endpoint', () => {
  const publicUrl = 'https://app.example:8443/base/';
  const asIs = { Host: 'app.example', 'X-Forwarded-Prefix': '/evil' };

  it('begins with publicUrl, with a request and without, also before the server listens', async () => {
    const { app, registry } = await createApp({ endpoints: [Echo], options: { publicUrl } });
    await app.init();
    expect(registry.url(Echo)).toBe('wss://app.example:8443/base/ws/echo');
    const started = await boot({ publicUrl });
    expect((await askForUrl(started, rebound)).body).toBe('wss://app.example:8443/base/ws/echo');
  });

  it('is not built from a Host that is none of hosts', async () => {
    const app = await boot({ hosts: ['app.example'] });
    const answer = await askForUrl(app, rebound);
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('evil');
    expect((await askForUrl(app, asIs)).body).toBe('ws://app.example/ws/echo');
  });

  it('is built from publicUrl where Host is none of hosts', async () => {
    const app = await boot({ hosts: ['other.example'], publicUrl });
    expect((await askForUrl(app, rebound)).body).toBe('wss://app.example:8443/base/ws/echo');
    expect((await askForUrl(app, { Host: 'other.example' })).body).toBe('ws://other.example/ws/echo');
  });
});

describe('a name that is none stops the application at the start', () => {
  it.each<[PlackWebSocketModuleOptions, RegExp]>([
    [
      { hosts: ['https://app.example'] },
      /hosts\[0\] must be a host such as 'app\.example'.*not "https:\/\/app\.example"/,
    ],
    [{ hosts: ['app.example', 'a/b'] }, /hosts\[1\]/],
    [{ hosts: [''] }, /hosts\[0\]/],
    [{ hosts: ['app.example:port'] }, /hosts\[0\]/],
    [{ hosts: ['a.*.example'] }, /hosts\[0\]/],
    [{ hosts: 'app.example' as never }, /hosts must be a list of hosts/],
    [{ publicUrl: 'app.example' }, /publicUrl must be a URL such as/],
    [{ publicUrl: 'ftp://app.example' }, /publicUrl/],
    [{ publicUrl: 'https://app.example/?a' }, /publicUrl/],
    [{ publicUrl: 'https://app.example/#a' }, /publicUrl/],
    [{ publicUrl: 'https://user@app.example' }, /publicUrl/],
  ])('%j', async (options, message) => {
    expect((await bootError({ endpoints: [Echo], options })).message).toMatch(message);
  });
});
