import { describe, expect, it } from '@jest/globals';
import {
  Connection,
  OnEstablish,
  WsEndpoint,
  type HandshakeHook,
  type HandshakeResponse,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** Boots an endpoint that tells the client which subprotocol the connection has. */
async function boot(handshake: HandshakeHook, options: PlackWebSocketModuleOptions = {}): Promise<StartedApp> {
  @WsEndpoint('probe')
  class Probe {
    @OnEstablish()
    enter(connection: Connection): void {
      void connection.send(`${connection.protocol}|${connection.context.protocols.join(' ')}`);
    }
  }
  return startApp({ endpoints: [Probe], options: { ...options, handshake } });
}

const accept: HandshakeHook = () => undefined;

describe('the subprotocol', () => {
  it.each<[string, string[], string[], string]>([
    ['is none when nothing is configured, whatever is offered', [], ['a', 'b'], ''],
    ['is none when nothing is offered', ['a'], [], ''],
    ['is none when nothing configured is offered', ['a'], ['b'], ''],
    ['is the one both know', ['a', 'b'], ['c', 'b'], 'b'],
    ['is the first of the server, not of the client', ['a', 'b'], ['b', 'a'], 'a'],
  ])('%s', async (_what, protocols, offered, chosen) => {
    const app = await boot(accept, { protocols });
    const peer = await app.peer();
    const answer = await peer.upgrade({
      path: '/ws/probe',
      headers: { 'Sec-WebSocket-Protocol': offered.length === 0 ? undefined : offered.join(', ') },
    });
    expect(answer.status).toBe(101);
    expect(answer.headers['sec-websocket-protocol']).toBe(chosen === '' ? undefined : chosen);
    expect((await peer.nextFrame()).text).toBe(`${chosen}|${offered.join(' ')}`);
  });

  it('is what the hook chooses among those offered', async () => {
    const app = await boot((context, response) => {
      response.subprotocol = context.protocols.at(-1);
    });
    const client = await app.connect('/ws/probe', { protocols: ['v1', 'v2'] });
    expect(client.protocol).toBe('v2');
    expect(await client.next()).toBe('v2|v1 v2');
  });

  it('is read from two header lines as from one', async () => {
    const app = await boot(accept, { protocols: ['v2'] });
    const peer = await app.peer();
    const answer = await peer.upgrade({ path: '/ws/probe', headers: { 'Sec-WebSocket-Protocol': ['zz', 'v2'] } });
    expect(answer.headers['sec-websocket-protocol']).toBe('v2');
    expect((await peer.nextFrame()).text).toBe('v2|zz v2');
  });

  it('starts as the configured one and may be taken back by the hook', async () => {
    const seen: (string | undefined)[] = [];
    const app = await boot(
      (_context, response) => {
        seen.push(response.subprotocol);
        response.subprotocol = undefined;
      },
      { protocols: ['v1'] },
    );
    const peer = await app.peer();
    const answer = await peer.upgrade({ path: '/ws/probe', headers: { 'Sec-WebSocket-Protocol': 'v1' } });
    expect(seen).toEqual(['v1']);
    expect(answer.headers).not.toHaveProperty('sec-websocket-protocol');
  });

  it.each([
    ['another one than those offered', 'v1'],
    ['one although none was offered', undefined],
  ])('that the hook makes up (%s) is logged and not sent', async (_what, offered) => {
    const app = await boot((_context, response) => {
      response.subprotocol = 'made-up';
    });
    const peer = await app.peer();
    const answer = await peer.upgrade({ path: '/ws/probe', headers: { 'Sec-WebSocket-Protocol': offered } });
    expect(answer.status).toBe(101);
    expect(answer.headers).not.toHaveProperty('sec-websocket-protocol');
    expect((await peer.nextFrame()).text).toBe(`|${offered ?? ''}`);
    expect(app.logs.at('error')).toEqual([expect.stringContaining('"made-up" was not offered')]);
  });
});

describe('the headers of the 101', () => {
  it('carry what the hook sets, the last value of each, and adds, one line each', async () => {
    const app = await boot((_context, response) =>
      response
        .setHeader('X-Node', 'first')
        .setHeader('x-node', 7)
        .appendHeader('X-Many', 'a')
        .appendHeader('X-Many', 'b, c'),
    );
    const peer = await app.peer();
    const { rawHeaders } = await peer.upgrade({ path: '/ws/probe' });
    expect(rawHeaders).toEqual(
      expect.arrayContaining([
        ['x-node', '7'],
        ['X-Many', 'a'],
        ['X-Many', 'b, c'],
      ]),
    );
    expect(rawHeaders.filter(([name]) => name.toLowerCase() === 'x-node')).toHaveLength(1);
  });

  it('carry each cookie on a line of its own, with its attributes', async () => {
    const app = await boot((_context, response) => {
      response.setCookie('id', 'a b;c', { httpOnly: true, secure: true, sameSite: 'strict', path: '/', maxAge: 60 });
      response.setCookie('theme', 'dark', { domain: 'example.test', expires: new Date(0) });
    });
    const client = await app.connect('/ws/probe');
    expect(client.headers['set-cookie']).toEqual([
      'id=a%20b%3Bc; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Strict',
      'theme=dark; Domain=example.test; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    ]);
  });

  it('are not shared between two upgrades', async () => {
    const app = await boot(({ query }, response) => void response.setCookie('id', String(query['id'])));
    const [one, two] = await Promise.all([app.connect('/ws/probe?id=1'), app.connect('/ws/probe?id=2')]);
    expect([one.headers['set-cookie'], two.headers['set-cookie']]).toEqual([['id=1'], ['id=2']]);
  });

  it('go out although the hook takes its time', async () => {
    const app = await boot(async (_context, response) => {
      await Promise.resolve();
      return [response.setHeader('X-Late', 'yes'), 1];
    });
    const client = await app.connect('/ws/probe');
    expect(client.headers['x-late']).toBe('yes');
  });

  describe('refuse', () => {
    const broken: [string, (response: HandshakeResponse) => unknown][] = [
      ['CR and LF in a value', (response) => response.setHeader('X-A', 'a\r\nSet-Cookie: stolen=1')],
      ['a lone LF in a value', (response) => response.appendHeader('X-A', 'a\nX-B: b')],
      ['a NUL in a value', (response) => response.setHeader('X-A', 'a\0b')],
      ['characters beyond Latin-1 in a value', (response) => response.setHeader('X-A', '\u{1F600}')],
      ['CR and LF in a name', (response) => response.setHeader('X-A: b\r\nX-C', 'd')],
      ['an empty name', (response) => response.setHeader('', 'x')],
      ['a space in a name', (response) => response.appendHeader('X A', 'x')],
      ['CR and LF in the name of a cookie', (response) => response.setCookie('a\r\nb', 'c')],
      ['CR and LF in the path of a cookie', (response) => response.setCookie('a', 'b', { path: '/\r\nX-B: b' })],
      ['CR and LF in the domain of a cookie', (response) => response.setCookie('a', 'b', { domain: 'x\r\nX-B: b' })],
      ...[
        'Connection',
        'upgrade',
        'Content-Length',
        'Transfer-Encoding',
        'Sec-WebSocket-Accept',
        'sec-websocket-extensions',
        'Sec-WebSocket-Protocol',
        'Sec-WebSocket-Version',
      ].map((name): [string, (response: HandshakeResponse) => unknown] => [
        `${name}, which belongs to the handshake`,
        (response) => response.setHeader(name, 'x'),
      ]),
    ];

    it.each(broken)('%s', async (_what, set) => {
      const thrown: unknown[] = [];
      const app = await boot((_context, response) => {
        try {
          set(response);
        } catch (error) {
          thrown.push(error);
        }
      });
      const peer = await app.peer();
      const { status, rawHeaders } = await peer.upgrade({ path: '/ws/probe' });
      expect(thrown).toEqual([expect.any(TypeError)]);
      expect(status).toBe(101);
      expect(rawHeaders.map(([name]) => name)).toEqual(['Upgrade', 'Connection', 'Sec-WebSocket-Accept']);
    });

    it('the value of a cookie that would end its line by encoding it', async () => {
      const app = await boot((_context, response) => void response.setCookie('a', 'b\r\nX-B: b'));
      const client = await app.connect('/ws/probe');
      expect(client.headers['set-cookie']).toEqual(['a=b%0D%0AX-B%3A%20b']);
    });
  });
});
