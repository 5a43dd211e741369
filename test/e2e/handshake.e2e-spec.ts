import { beforeEach, describe, expect, it } from '@jest/globals';
import { ForbiddenException, HttpException } from '@nestjs/common';
import {
  Connection,
  OnEstablish,
  OnFinish,
  RequestContext,
  WsEndpoint,
  type HandshakeHook,
  type HandshakeOption,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { upgradeRequest } from '../support/raw-http.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

describe('the handshake hook', () => {
  let happened: Journal<unknown>;
  beforeEach(() => {
    happened = new Journal();
  });

  async function guardedBy(handshake: HandshakeOption, rest: AppSpec = {}): Promise<StartedApp> {
    @WsEndpoint('probe')
    class Probe {
      @OnEstablish()
      enter(connection: Connection, context: RequestContext, results: readonly unknown[]): void {
        happened.add(results);
        void connection.send(context.results === results ? 'same results' : 'other results');
      }

      @OnFinish()
      leave(): void {
        happened.add('finish');
      }
    }
    return startApp({ ...rest, endpoints: [Probe], options: { handshake } });
  }

  describe('accepts', () => {
    it.each<[string, HandshakeHook, unknown[]]>([
      ['by returning nothing', () => undefined, []],
      ['by returning the response', (_context, response) => response, []],
      ['by a list of only the response', (_context, response) => [response], []],
      [
        'with results, their order and holes kept',
        (_context, response) => [response, 1, { two: 2 }, undefined, [3]],
        [1, { two: 2 }, undefined, [3]],
      ],
      ['by a promise of nothing', async () => undefined, []],
      ['by a promise of the response', async (_context, response) => response, []],
      ['by a promise of results', async (_context, response) => [response, 'later'], ['later']],
    ])('%s', async (_how, hook, results) => {
      const app = await guardedBy(hook);
      const client = await app.connect('/ws/probe');
      expect(await client.next()).toBe('same results');
      expect(happened.entries).toEqual([results]);
      expect(app.logs.problems).toEqual([]);
    });

    it('asks once per upgrade, with the context the connection keeps', async () => {
      const contexts: RequestContext[] = [];
      const app = await guardedBy((context) => void contexts.push(context));
      await app.connect('/ws/probe?a=1');
      await app.connect('/ws/probe?a=2');
      expect(contexts.map(({ query }) => query['a'])).toEqual(['1', '2']);
      expect([...app.registry].map(({ context }) => context)).toEqual(contexts);
    });
  });

  describe('refuses with an HTTP reply', () => {
    it.each<[string, HandshakeHook, object]>([
      ['a status alone', () => ({ status: 410 }), { status: 410, body: '' }],
      [
        'text',
        () => ({ status: 403, body: 'not you' }),
        {
          status: 403,
          body: 'not you',
          headers: expect.objectContaining({ 'content-type': 'text/plain; charset=utf-8' }),
        },
      ],
      [
        'an object, as JSON',
        () => ({ status: 409, body: { why: 'ö' } }),
        {
          status: 409,
          body: '{"why":"ö"}',
          headers: expect.objectContaining({
            'content-type': 'application/json; charset=utf-8',
            'content-length': '12',
          }),
        },
      ],
      ['bytes', () => ({ status: 400, body: Buffer.from('bytes') }), { status: 400, body: 'bytes' }],
      [
        'headers, one line per value',
        () => ({ status: 401, headers: { 'X-One': 1, 'Set-Cookie': ['a=1', 'b=2'] }, body: '' }),
        { status: 401, headers: expect.objectContaining({ 'x-one': '1', 'set-cookie': ['a=1', 'b=2'] }) },
      ],
      ['a redirect', () => ({ status: 302, headers: { Location: '/login' } }), { status: 302 }],
      ['a promise of one', async () => ({ status: 402 }), { status: 402 }],
    ])('%s', async (_what, hook, refusal) => {
      const app = await guardedBy(hook);
      await expect(app.connect('/ws/probe')).rejects.toMatchObject(refusal);
      expect(happened.entries).toEqual([]);
      expect(app.registry.size).toBe(0);
    });

    it('keeps the framing of the answer in its own hands', async () => {
      const headers = { 'Content-Length': '3', Connection: 'keep-alive', 'Transfer-Encoding': 'chunked' };
      const app = await guardedBy(() => ({ status: 403, headers, body: 'longer than three' }));
      const peer = await app.peer();
      const answer = await peer.upgrade({ path: '/ws/probe' });
      expect(answer).toMatchObject({ status: 403, body: 'longer than three', headers: { connection: 'close' } });
      expect(answer.headers).not.toHaveProperty('transfer-encoding');
      expect(await peer.ended()).toBe('fin');
    });

    it.each([
      ['a line break', 'a\r\nSet-Cookie: stolen=1'],
      ['a character beyond Latin-1', '\u{1F600}'],
    ])('answers 500 instead of a header with %s', async (_what, value) => {
      const app = await guardedBy(() => ({ status: 403, headers: { 'X-Bad': value } }));
      const refused = await app.connect('/ws/probe').catch((error: unknown) => error);
      expect(refused).toMatchObject({
        status: 500,
        headers: expect.not.objectContaining({ 'set-cookie': expect.anything() }),
      });
      expect(app.logs.problems).toEqual([expect.stringContaining('X-Bad')]);
    });

    it.each([204, 304])('%i without a body, which that status cannot have', async (status) => {
      const app = await guardedBy(() => ({ status, body: 'text' }));
      const peer = await app.peer();
      await peer.writeRaw(upgradeRequest({ path: '/ws/probe' }));
      expect(await peer.ended()).toBe('fin');
      const [head, body] = peer.unread.toString().split('\r\n\r\n');
      expect([head?.split(' ', 2)[1], body]).toEqual([`${status}`, '']);
    });
  });

  describe('refuses with a raw HTTP response', () => {
    const raw = 'HTTP/1.1 403 Go Away\r\nX-Own: yes\r\nContent-Length: 7\r\n\r\nbye bye';

    it.each<[string, HandshakeHook]>([
      ['at once', () => raw],
      ['later', async () => raw],
    ])('that is given %s: the bytes are written, the socket is closed, nothing is established', async (_when, hook) => {
      const app = await guardedBy(hook);
      const peer = await app.peer();
      const answer = await peer.upgrade({ path: '/ws/probe' });
      expect(answer).toMatchObject({
        status: 403,
        statusText: 'Go Away',
        body: 'bye bye',
        headers: { 'x-own': 'yes' },
      });
      expect(await peer.ended()).toBe('fin');
      expect(peer.unread).toHaveLength(0);
      expect(happened.entries).toEqual([]);
      expect(app.registry.size).toBe(0);
    });
  });

  describe('refuses by a throw', () => {
    const invalid = { statusCode: 400, message: 'invalid request', error: 'Bad Request' };
    const thrown: [string, unknown][] = [
      ['an error', new Error('secret')],
      ['a string', 'secret\n'],
      ['an empty string', ''],
      ['an object that has a status', { status: 401, body: 'secret' }],
      ['null', null],
      ['undefined', undefined],
    ];

    it.each(thrown)('of %s: 400, and nothing of it on the wire', async (_what, value) => {
      const app = await guardedBy(() => {
        throw value;
      });
      const refused = await app.connect('/ws/probe').catch((error: unknown) => error);
      expect(refused).toMatchObject({ status: 400, body: JSON.stringify(invalid) });
      expect(app.logs.problems).toHaveLength(1);
      expect(happened.entries).toEqual([]);
    });

    it.each(thrown)('of %s later', async (_what, value) => {
      const app = await guardedBy(() => Promise.reject(value));
      await expect(app.connect('/ws/probe')).rejects.toMatchObject({ status: 400, body: JSON.stringify(invalid) });
      expect(app.logs.problems).toHaveLength(1);
    });

    it.each<[string, HttpException, number, unknown]>([
      ['a built-in', new ForbiddenException('no'), 403, { message: 'no', error: 'Forbidden', statusCode: 403 }],
      ['with a body of its own', new HttpException({ teapot: true }, 418), 418, { teapot: true }],
      ['with a text', new HttpException('slow down', 429), 429, { statusCode: 429, message: 'slow down' }],
    ])('of an HttpException, %s: its own status and body', async (_what, exception, status, body) => {
      const app = await guardedBy(async () => {
        throw exception;
      });
      const refused = await app.connect('/ws/probe').catch((error: unknown) => error);
      expect(refused).toMatchObject({ status });
      expect(JSON.parse((refused as { body: string }).body)).toEqual(body);
      expect(app.logs.problems).toEqual([]);
    });

    it.each<[number, object]>([
      [500, { statusCode: 500, message: 'Internal Server Error', error: 'Internal Server Error' }],
      [403, { statusCode: 403, message: 'Forbidden', error: 'Forbidden' }],
      [499, { statusCode: 499, message: 'Error', error: 'Error' }],
    ])('of an HttpException made with an error: %i, and the text only in the log', async (status, body) => {
      const app = await guardedBy(() => {
        throw new HttpException(new Error('secret'), status);
      });
      const refused = await app.connect('/ws/probe').catch((error: unknown) => error);
      expect(refused).toMatchObject({ status, body: JSON.stringify(body) });
      expect(app.logs.problems).toEqual([expect.stringContaining('secret')]);
    });
  });

  describe('that returns what is no decision', () => {
    it.each<[string, unknown]>([
      ['null', null],
      ['an empty string', ''],
      ['a text', 'welcome'],
      ['half a response', 'HTTP/1.1 403 Forbidden\r\nX: y'],
      ['a raw response that is none of a refusal', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
      ['two raw responses in one', 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
      ['true', true],
      ['a number', 401],
      ['an object without a status', {}],
      ['an informational status', { status: 101 }],
      ['a status that is no number', { status: '403' }],
      ['an empty list', []],
      ['a list without the response', [1, 2]],
    ])('(%s) is answered with 500 and logged', async (_what, value) => {
      const app = await guardedBy((() => value) as HandshakeHook);
      await expect(app.connect('/ws/probe')).rejects.toMatchObject({ status: 500 });
      expect(happened.entries).toEqual([]);
      expect(app.logs.problems).toEqual([expect.stringContaining('handshake hook')]);
    });
  });
});
