import { describe, expect, it } from '@jest/globals';
import { Catch, Controller, Get, HttpException, Post, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { OnEstablish, WsEndpoint, type HandshakeHook } from '../../src/index.js';
import { asksBeforeUpgrade } from '../support/node-features.js';
import { patient } from '../support/patience.js';
import { upgradeRequest, type HttpAnswer, type UpgradeSpec } from '../support/raw-http.js';
import { afterTest, startApp } from '../support/start-app.js';
import { EchoScene } from './support/echo-scene.js';

/** Sends bytes and reads the one answer; nothing may come after it but the end. */
async function onlyAnswer(scene: EchoScene, bytes: string | Buffer): Promise<HttpAnswer> {
  const peer = await scene.app.peer();
  await peer.writeRaw(bytes);
  const answer = await peer.nextAnswer();
  expect(await peer.ended()).toBe('fin');
  expect(peer.unread.toString()).toBe('');
  return answer;
}

function ask(scene: EchoScene, spec: UpgradeSpec): Promise<HttpAnswer> {
  return onlyAnswer(scene, upgradeRequest({ path: '/ws/echo', ...spec }));
}

describe('an upgrade that hopes for a gap', () => {
  it.each<[string, UpgradeSpec]>([
    ['an absolute target of another host', { path: 'http://evil.example/ws/echo' }],
    ['an absolute target of another port', { path: 'http://127.0.0.1:81/ws/echo' }],
    ['an absolute target of another scheme', { path: 'ws://127.0.0.1/ws/echo' }],
    ['an absolute target with a user', { path: 'http://evil@127.0.0.1/ws/echo' }],
    ['an absolute target with an empty user', { path: 'http://@127.0.0.1/ws/echo' }],
    ['an absolute target with a backslash', { path: 'http://127.0.0.1\\ws/echo' }],
    ['an absolute target of the host of a second line', { path: 'http://b/ws/echo', headers: { Host: ['b', 'c'] } }],
    ['an absolute target of two slashes', { path: 'http://127.0.0.1//ws/echo' }],
    ['an absolute target with dots', { path: 'http://127.0.0.1/ws/x/../echo' }],
    ['an absolute target without a host', { path: 'http:///ws/echo' }],
    ['a target of two slashes', { path: '//ws/echo' }],
    ['a target of two slashes and a host', { path: '//evil.example/ws/echo' }],
    ['the target of OPTIONS', { path: '*' }],
    ['a dot segment', { path: '/ws/./echo' }],
    ['two dots', { path: '/ws/x/../echo' }],
    ['dots at the end', { path: '/ws/echo/..' }],
    ['an encoded dot', { path: '/ws/%2e/echo' }],
    ['encoded dots', { path: '/ws/x/%2E%2e/echo' }],
    ['half-encoded dots', { path: '/ws/x/.%2e/echo' }],
    ['a backslash', { path: '/ws\\echo' }],
    ['NUL', { path: '/ws/echo%00' }],
    ['a line break', { path: '/ws/echo%0d%0aX:%20y' }],
    ['DEL', { path: '/ws/echo%7f' }],
    ['two Hosts', { headers: { Host: ['a.example', 'b.example'] } }],
    ['the same Host twice', { headers: { Host: ['127.0.0.1', '127.0.0.1'] } }],
    ['HTTP/2.0', { httpVersion: '2.0' }],
    ['HTTP/1.0', { httpVersion: '1.0' }],
    ['a length that is not 0', { headers: { 'Content-Length': '1' } }],
    ['a list of keys', { key: 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==' }],
  ])('with %s gets one whole 400 that says nothing back', async (_what, spec) => {
    const scene = await EchoScene.start();
    const answer = await ask(scene, spec);
    expect(answer).toMatchObject({ status: 400, statusText: 'Bad Request' });
    expect(answer.body).not.toContain('evil');
    expect(scene.established.entries).toEqual([]);
    expect(scene.app.logs.problems).toEqual([]);
  });

  it.each(['%', '%z', '%zz', '%e0%a4', '%c3%28', '%ff'])(
    'with the broken percent-encoding %s in a parameter gets one whole 400',
    async (broken) => {
      @WsEndpoint('rooms/:room')
      class Room {
        @OnEstablish()
        enter(): void {}
      }
      const peer = await (await startApp({ endpoints: [Room] })).peer();
      expect(await peer.upgrade({ path: `/ws/rooms/${broken}` })).toMatchObject({ status: 400 });
      expect(await peer.ended()).toBe('fin');
    },
  );

  it('with a second request behind it gets one answer', async () => {
    const scene = await EchoScene.start();
    const twice = upgradeRequest({ path: '/ws/echo', key: 'bad' }) + upgradeRequest({ path: '/ws/echo' });
    expect(await onlyAnswer(scene, twice)).toMatchObject({ status: 400 });
    expect(scene.established.entries).toEqual([]);
  });

  it('with a body that never ends is cut', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    await peer.upgrade({ path: '/ws/echo', headers: { 'Transfer-Encoding': 'chunked' } });
    const over = peer.ended({ timeoutMs: patient(5000) });
    const pour = (): unknown => peer.socket.writable && peer.socket.write('4\r\nmore\r\n', () => setImmediate(pour));
    pour();
    expect(await over).toMatch(/fin|reset/);
    peer.reset();
    await scene.open();
  });
});

describe('the answer of a refusal is well-formed', () => {
  const refusing = (handshake: HandshakeHook): Promise<EchoScene> => EchoScene.start({ options: { handshake } });

  it.each([0, 42, 99, 100, 101, 199, 600, 1000, 403.5, Number.NaN])(
    'for an HttpException with the status %p, which no answer can have',
    async (status) => {
      const scene = await refusing(() => {
        throw new HttpException('odd', status);
      });
      expect(await ask(scene, {})).toMatchObject({ status: 500 });
      expect(scene.established.entries).toEqual([]);
    },
  );

  it.each([204, 304])('for the status %i, which has no body', async (status) => {
    const answer = await ask(await refusing(() => ({ status, body: 'none may be here' })), {});
    expect(answer).toMatchObject({ status, body: '' });
    if (status === 204) expect(answer.headers).not.toHaveProperty('content-length');
  });

  it.each([42, 101, 1000])('for a filter that sets the status %i', async (status) => {
    @Catch()
    class OddFilter implements ExceptionFilter {
      catch(_exception: unknown, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ statusCode: number; end(body: string): void }>();
        response.statusCode = status;
        response.end('odd');
      }
    }
    const scene = await EchoScene.start({
      options: {
        handshake: () => {
          throw new HttpException('no', 403);
        },
      },
      configure: (app) => app.useGlobalFilters(new OddFilter()),
    });
    expect((await ask(scene, {})).status).toBeGreaterThanOrEqual(200);
    expect(scene.established.entries).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['a BigInt', { huge: 10n }],
    [
      'a cycle',
      Object.assign(
        {},
        {
          get self(): unknown {
            return this;
          },
        },
      ),
    ],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no form');
        },
      },
    ],
  ])('for a body that JSON cannot carry: %s', async (_what, body) => {
    const scene = await refusing(() => ({ status: 403, body }));
    expect(await ask(scene, {})).toMatchObject({ status: 500 });
  });

  it.each(['X-Bad\r\nX-Evil', 'X Bad', '', 'X-Bäd', 'X:Bad'])('for the header name %j', async (name) => {
    const answer = await ask(await refusing(() => ({ status: 403, headers: { [name]: 'x' } })), {});
    expect(answer.status).toBe(500);
    expect(answer.headers).not.toHaveProperty('x-evil');
  });

  it('for cookies and the subprotocol, whatever is in them', async () => {
    const evil = 'a\r\nX-Evil: 1';
    const tries: HandshakeHook[] = [
      (_context, response) => void response.setCookie('sid', 'x', { path: evil }),
      (_context, response) => void response.setCookie(evil, 'x'),
      (_context, response) => void response.appendHeader('Set-Cookie', evil),
    ];
    for (const hook of tries) expect(await ask(await refusing(hook), {})).toMatchObject({ status: 400 });
    const quoted = await refusing((_context, response) => {
      response.setCookie('sid', evil);
      response.subprotocol = evil;
    });
    const peer = await quoted.app.peer();
    const answer = await peer.upgrade({ path: '/ws/echo', headers: { 'Sec-WebSocket-Protocol': 'a' } });
    expect(answer).toMatchObject({ status: 101, headers: { 'set-cookie': 'sid=a%0D%0AX-Evil%3A%201' } });
    expect(Object.keys(answer.headers)).not.toContain('x-evil');
  });
});

describe('an upgrade to another protocol is left to plain HTTP', () => {
  @Controller()
  class Pages {
    @Get('page')
    page(): string {
      return 'a page';
    }

    @Post('page')
    post(): string {
      return 'posted';
    }
  }

  it.each(['h2c', 'TLS/1.0', 'websocket2', 'h2c, websocket'])(
    'Upgrade: %s on an ordinary route gets its normal answer, and the connection closes when it was asked to',
    async (protocol) => {
      const scene = await EchoScene.start({ controllers: [Pages] });
      const headers = { Upgrade: protocol, Connection: 'Upgrade, close' };
      expect(await ask(scene, { path: '/page', headers })).toMatchObject({ status: 200, body: 'a page' });
      expect(await ask(scene, { path: '/nowhere', headers })).toMatchObject({ status: 404 });
    },
  );

  it('on the path of an endpoint it gets the plain 426, and a client that resets meanwhile harms nobody', async () => {
    const scene = await EchoScene.start();
    expect(await ask(scene, { headers: { Upgrade: 'h2c', Connection: 'Upgrade, close' } })).toMatchObject({
      status: 426,
      headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
    });
    const peer = await scene.app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/echo', headers: { Upgrade: 'h2c' } }));
    peer.reset();
    await scene.open();
  });

  it('with a body it reaches the route whole, or gets 426 where Node cannot read it any more; it is never taken for a request', async () => {
    const scene = await EchoScene.start({ controllers: [Pages] });
    const peer = await scene.app.peer();
    const headers = { Upgrade: 'h2c', 'Content-Type': 'text/plain', 'Content-Length': '37' };
    const smuggled = 'GET /page HTTP/1.1\r\nHost: evil.test\r\n\r';
    await peer.writeRaw(upgradeRequest({ method: 'POST', path: '/page', headers }) + smuggled.slice(0, 37));
    const answer = asksBeforeUpgrade
      ? { status: 201, body: 'posted' }
      : { status: 426, headers: { connection: 'close' } };
    expect(await peer.nextAnswer()).toMatchObject(answer);
    await peer.ended();
    expect(peer.unread.toString()).toBe('');
  });

  it('any number of times on one connection, without a listener more each time', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    afterTest(() => process.off('warning', onWarning));
    const scene = await EchoScene.start({ controllers: [Pages] });
    const peer = await scene.app.peer();
    for (let count = 0; count < 30 && peer.socket.writable; count++) {
      await peer.writeRaw(upgradeRequest({ path: '/page', headers: { Upgrade: 'h2c' } }));
      const { status, headers } = await peer.nextAnswer();
      expect(status).toBe(200);
      if (headers['connection'] === 'close') break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });
});
