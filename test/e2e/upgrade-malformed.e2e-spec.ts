import { beforeEach, describe, expect, it } from '@jest/globals';
import { OnEstablish, OnMessage, WsEndpoint, type UpgradeFailure } from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { text } from '../support/raw-frame.js';
import { RFC_ACCEPT, upgradeRequest, type HttpAnswer, type UpgradeSpec } from '../support/raw-http.js';

let failures: UpgradeFailure[];
let established: number;

async function boot(): Promise<StartedApp> {
  failures = [];
  established = 0;
  @WsEndpoint('echo')
  class Echo {
    @OnEstablish()
    enter(): void {
      established++;
    }

    @OnMessage()
    echo(message: string): string {
      return message;
    }
  }
  @WsEndpoint('rooms/:room')
  class Room extends Echo {}
  return startApp({
    endpoints: [Echo, Room],
    options: { onError: (failure) => void failures.push(failure), trustProxy: true },
  });
}

describe('an upgrade', () => {
  let app: StartedApp;
  beforeEach(async () => {
    app = await boot();
  });

  /** Sends a request and reads one whole answer, after which a refused connection has to end. */
  async function answerTo(request: UpgradeSpec, extraBytes?: Uint8Array): Promise<HttpAnswer> {
    const peer = await app.peer();
    const answer = await peer.upgrade({ path: '/ws/echo', ...request, ...(extraBytes && { extraBytes }) });
    if (answer.status !== 101 && answer.headers['connection']?.includes('close') === true) {
      expect(await peer.ended()).toBe('fin');
      expect(peer.unread).toHaveLength(0);
    }
    return answer;
  }

  describe('is accepted', () => {
    it.each<[string, UpgradeSpec]>([
      ['as RFC 6455 writes it', {}],
      ['with a Connection list in odd case', { headers: { Connection: 'keep-alive, UPGRADE' } }],
      ['with Upgrade in odd case', { headers: { Upgrade: 'WebSocket' } }],
      ['with an empty body', { headers: { 'Content-Length': '0' } }],
      ['with an extension we do not speak', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; x' } }],
      ['with a slash at the end of the path', { path: '/ws/echo/' }],
      ['with a query', { path: '/ws/echo?a=b&c=%zz' }],
    ])('%s', async (_what, request) => {
      const answer = await answerTo(request);
      expect(answer).toMatchObject({ status: 101, statusText: 'Switching Protocols' });
      expect(Object.fromEntries(answer.rawHeaders)).toEqual({
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-WebSocket-Accept': RFC_ACCEPT,
      });
      expect(established).toBe(1);
    });

    it('in pieces of one byte, with a first frame behind it', async () => {
      const peer = await app.peer();
      await peer.writeByteByByte(
        Buffer.concat([Buffer.from(upgradeRequest({ path: '/ws/echo' })), text('piece by piece')]),
      );
      expect((await peer.nextAnswer()).status).toBe(101);
      expect((await peer.nextFrame()).text).toBe('piece by piece');
    });

    it('with frames in the same packet', async () => {
      const peer = await app.peer();
      await peer.upgrade({ path: '/ws/echo', extraBytes: Buffer.concat([text('one'), text('two')]) });
      expect([(await peer.nextFrame()).text, (await peer.nextFrame()).text]).toEqual(['one', 'two']);
    });
  });

  describe('is an invalid request, 400,', () => {
    const key = (value: string | undefined): UpgradeSpec => ({ headers: { 'Sec-WebSocket-Key': value } });

    it.each<[string, UpgradeSpec]>([
      ['without a key', key(undefined)],
      ['with an empty key', key('')],
      ['with a key that is too short', key('abc')],
      ['with a key that is no base64', key('!!!!!!!!!!!!!!!!!!!!!!==')],
      ['with a key that is too long', key('dGhlIHNhbXBsZSBub25jZQAA==')],
      ['with two keys', { headers: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] } }],
      ['of HTTP/1.0', { httpVersion: '1.0' }],
      ['without a Host', { headers: { Host: undefined } }],
      ['with two Hosts', { headers: { Host: ['a.example', 'b.example'] } }],
      ['with an empty list of subprotocols', { headers: { 'Sec-WebSocket-Protocol': ' , ' } }],
      ['with a subprotocol that is no token', { headers: { 'Sec-WebSocket-Protocol': 'a b' } }],
      ['with a subprotocol twice', { headers: { 'Sec-WebSocket-Protocol': 'a, b, a' } }],
      ['with an absolute target of another host', { path: 'http://evil.example/ws/echo' }],
      ['with a target of another host', { path: '//evil.example/ws/echo' }],
      ['with a dot segment', { path: '/ws/rooms/../echo' }],
      ['with an encoded dot segment', { path: '/ws/rooms/%2E%2e/echo' }],
      ['with an encoded NUL', { path: '/ws/rooms/a%00b' }],
      ['with a backslash', { path: '/ws/rooms/..\\echo' }],
      ['with broken percent-encoding', { path: '/ws/rooms/%e0%a4' }],
    ])('%s', async (_what, request) => {
      expect(await answerTo(request)).toMatchObject({
        status: 400,
        headers: { 'content-type': expect.stringContaining('json') },
      });
      expect(failures).toMatchObject([{ error: 'invalid request', status: 400 }]);
      expect(established).toBe(0);
    });

    it.each<[string, UpgradeSpec, string]>([
      ['a length', { headers: { 'Content-Length': '3' } }, 'abc'],
      ['chunks', { headers: { 'Transfer-Encoding': 'chunked' } }, '3\r\nabc\r\n0\r\n\r\n'],
    ])('with a body of %s', async (_what, request, body) => {
      expect((await answerTo(request, Buffer.from(body))).status).toBe(400);
      expect(failures).toMatchObject([{ error: 'invalid request' }]);
    });
  });

  describe('has to be upgraded first, 426,', () => {
    it.each<[string, UpgradeSpec]>([
      ['with version 8', { headers: { 'Sec-WebSocket-Version': '8' } }],
      ['with version 14', { headers: { 'Sec-WebSocket-Version': '14' } }],
      ['with a version that is none', { headers: { 'Sec-WebSocket-Version': 'abc' } }],
      ['with two versions', { headers: { 'Sec-WebSocket-Version': '13, 8' } }],
      ['with two version lines', { headers: { 'Sec-WebSocket-Version': ['8', '13'] } }],
      ['without a version', { headers: { 'Sec-WebSocket-Version': undefined } }],
      [
        'of 2010, with two keys and no version',
        { headers: { 'Sec-WebSocket-Version': undefined, 'Sec-WebSocket-Key1': '4 @1', 'Sec-WebSocket-Key2': '1 2' } },
      ],
      ['to another protocol', { headers: { Upgrade: 'h2c' } }],
      ['to several protocols', { headers: { Upgrade: 'websocket, foo' } }],
      ['without Upgrade', { headers: { Upgrade: undefined } }],
      ['without Connection', { headers: { Connection: undefined } }],
      ['with a Connection that does not name it', { headers: { Connection: 'keep-alive' } }],
    ])('%s', async (_what, request) => {
      const answer = await answerTo(request);
      expect(answer).toMatchObject({ status: 426, headers: { upgrade: 'websocket', 'sec-websocket-version': '13' } });
      expect(failures).toMatchObject([{ error: 'upgrade required', status: 426 }]);
      expect(established).toBe(0);
    });
  });

  describe('has to be a GET, 405,', () => {
    it.each(['POST', 'PUT', 'OPTIONS', 'DELETE'])('not a %s', async (method) => {
      expect(await answerTo({ method })).toMatchObject({ status: 405, headers: { allow: 'GET' } });
      expect(failures).toMatchObject([{ error: 'method not allowed', status: 405 }]);
    });

    it('not a HEAD, whose answer has no body', async () => {
      const peer = await app.peer();
      await peer.writeRaw(upgradeRequest({ path: '/ws/echo', method: 'HEAD' }));
      expect(await peer.ended()).toBe('fin');
      const [head, body] = peer.unread.toString().split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 405 [^]*^Allow: GET\r?$/m);
      expect(body).toBe('');
    });
  });

  describe('that is no HTTP is answered by Node', () => {
    it.each([
      ['400 for garbage', 'not http at all\r\n\r\n', 400],
      ['400 for a broken header line', upgradeRequest({ path: '/ws/echo' }).replace('Host:', 'Ho st'), 400],
      [
        '431 for a header of 30 KB',
        upgradeRequest({ path: '/ws/echo', headers: { 'X-Long': 'x'.repeat(30_000) } }),
        431,
      ],
    ])('with %s', async (_what, bytes, status) => {
      const peer = await app.peer();
      await peer.writeRaw(bytes);
      expect((await peer.nextAnswer()).status).toBe(status);
      expect(established).toBe(0);
      await app.connect('/ws/echo');
    });
  });

  it('to another protocol is answered on any path', async () => {
    const answer = await answerTo({ path: '/elsewhere', headers: { Upgrade: 'h2c' } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });
});
