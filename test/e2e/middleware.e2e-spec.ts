import { describe, expect, it } from '@jest/globals';
import { ForbiddenException } from '@nestjs/common';
import cookieParser from 'cookie-parser';
import type { Request, RequestHandler, Response } from 'express';
import {
  Connection,
  OnEstablish,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type UpgradeFailure,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

@WsEndpoint('open')
class Open {
  @OnEstablish()
  enter(connection: Connection): void {
    void connection.send('welcome');
  }
}

@WsEndpoint({ path: 'bare', middleware: [] })
class Bare extends Open {}

function boot(middleware: readonly RequestHandler[], options: PlackWebSocketModuleOptions = {}): Promise<StartedApp> {
  return startApp({ endpoints: [Open, Bare], options: { ...options, middleware } });
}

const passOn: RequestHandler = (_request, _response, next) => next();

describe('middleware on the upgrade', () => {
  it('runs one after the other, after the origin and before login and hook', async () => {
    const asked = new Journal();
    const middleware = ['first', 'second', 'third'].map((name): RequestHandler => (_request, _response, next) => {
      asked.add(name);
      if (name === 'second') setImmediate(next);
      else next();
    });
    const app = await boot(middleware, {
      login: () => {
        asked.add('login');
        return true;
      },
      handshake: () => asked.add('handshake'),
    });
    await expect(app.connect('/ws/open', { origin: 'https://evil.example' })).rejects.toMatchObject({ status: 403 });
    expect(asked.entries).toEqual([]);
    const client = await app.connect('/ws/open');
    expect(await client.next()).toBe('welcome');
    expect(asked.entries).toEqual(['first', 'second', 'third', 'login', 'handshake']);
  });

  it('is that of the endpoint where it names its own', async () => {
    const app = await boot([(_request, response) => response.end()]);
    await expect(app.connect('/ws/open')).rejects.toMatchObject({ status: 200 });
    await app.connect('/ws/bare');
  });

  it('leaves on the request what hooks find there', async () => {
    const seen: unknown[] = [];
    const app = await boot([cookieParser()], { handshake: ({ raw }) => void seen.push((raw as Request).cookies) });
    await app.connect('/ws/open', { headers: { cookie: 'a=1; b=2' } });
    expect(seen).toEqual([{ a: '1', b: '2' }]);
  });

  it('sets headers of the 101, one line per value, beside those of the hook and without those of a body', async () => {
    const decorate: RequestHandler = (_request, response, next) => {
      response.setHeader('X-One', 1);
      response.setHeader('Set-Cookie', ['a=1', 'b=2; Path=/']);
      response.setHeader('Content-Type', 'text/html');
      response.setHeader('Content-Length', 5);
      response.setHeader('Connection', 'close');
      next();
    };
    const app = await boot([decorate], { handshake: (_context, response) => void response.setCookie('c', '3') });
    const peer = await app.peer();
    const { status, rawHeaders } = await peer.upgrade({ path: '/ws/open' });
    expect(status).toBe(101);
    expect(rawHeaders.slice(3)).toEqual([
      ['x-one', '1'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2; Path=/'],
      ['Set-Cookie', 'c=3'],
    ]);
    expect((await peer.nextFrame()).text).toBe('welcome');
  });

  it('has the request alone when several clients come at once', async () => {
    const tellUrl: RequestHandler = (request, response, next) => {
      response.append('X-Url', request.url);
      next();
    };
    const app = await boot([tellUrl]);
    const clients = await Promise.all(['1', '2', '3'].map((id) => app.connect(`/ws/open?id=${id}`)));
    expect(clients.map(({ headers }) => headers['x-url'])).toEqual([1, 2, 3].map((id) => `/ws/open?id=${id}`));
  });

  it('that never goes on is over with the time of the handshake', async () => {
    const app = await boot([passOn, () => undefined], { handshakeTimeoutMs: 20 });
    await expect(app.connect('/ws/open')).rejects.toMatchObject({ status: 408 });
  });

  it('may go on twice without harm, and what it says the second time is in the log', async () => {
    const goTwice: RequestHandler = (_request, _response, next) => {
      next();
      next(new Error('too late'));
    };
    const app = await boot([goTwice]);
    expect(await (await app.connect('/ws/open')).next()).toBe('welcome');
    expect(app.logs.problems).toEqual([expect.stringMatching(/Middleware failed after it had called next.*too late/s)]);
  });
});

describe('middleware that answers refuses with its answer,', () => {
  it.each<[string, (response: Response) => unknown, object]>([
    [
      'in the words of Node',
      (response) => response.writeHead(403, { 'X-Why': 'no' }).end('closed'),
      { status: 403, body: 'closed', headers: expect.objectContaining({ 'x-why': 'no' }) },
    ],
    [
      'with a status text',
      (response) => response.writeHead(403, 'No', { 'X-Why': 'no' }).end(),
      { status: 403, headers: expect.objectContaining({ 'x-why': 'no' }) },
    ],
    [
      'with header fields as one list',
      (response) => response.writeHead(403, ['X-Why', 'no', 'X-Then', 'later']).end(),
      { status: 403, headers: expect.objectContaining({ 'x-why': 'no', 'x-then': 'later' }) },
    ],
    [
      'in pieces',
      (response) => {
        response.statusCode = 402;
        response.write('pay ');
        response.write(Buffer.from('first'));
        setImmediate(() => response.end(', please'));
      },
      { status: 402, body: 'pay first, please' },
    ],
    [
      'as JSON',
      (response) => response.status(429).set('Retry-After', '7').json({ slow: 'down' }),
      {
        status: 429,
        body: '{"slow":"down"}',
        headers: expect.objectContaining({ 'retry-after': '7', 'content-type': 'application/json; charset=utf-8' }),
      },
    ],
    ['as text', (response) => response.status(401).type('text/plain').send('who?'), { status: 401, body: 'who?' }],
    ['with a status alone', (response) => response.sendStatus(403), { status: 403, body: 'Forbidden' }],
    [
      'with another place to go',
      (response) => response.redirect('/login'),
      { status: 302, headers: expect.objectContaining({ location: '/login' }) },
    ],
    [
      'with a redirect of its own status',
      (response) => response.redirect(303, '/login'),
      { status: 303, headers: expect.objectContaining({ location: '/login' }) },
    ],
  ])('%s', async (_what, answer, expected) => {
    const app = await boot([(_request, response) => void answer(response)]);
    await expect(app.connect('/ws/open')).rejects.toMatchObject(expected);
    expect(app.registry.size).toBe(0);
    expect(app.logs.problems).toEqual([]);
  });
});

it.each<[string, RequestHandler, object]>([
  ['the 101', passOn, { 'x-late': 'yes' }],
  ['a refusal', (_request, response) => void response.status(403).end(), { 'x-late': 'yes' }],
])('middleware that waits for the head of the answer shapes %s', async (_what, last, headers) => {
  const wait: RequestHandler = (_request, response, next) => {
    const writeHead = response.writeHead.bind(response);
    response.writeHead = (status: number) => writeHead(status, { 'X-Late': 'yes' });
    next();
  };
  const app = await boot([wait, last]);
  const answer = await app.connect('/ws/open').catch((refused: unknown) => refused);
  expect(answer).toMatchObject({ headers });
});

describe('middleware that fails refuses', () => {
  const secret = new Error('a secret');
  const withStatus = (status: number, more: object = {}): Error =>
    Object.assign(new Error('a secret'), { status }, more);

  it.each<[string, RequestHandler, number]>([
    ['with 500 for an error it passes on', (_request, _response, next) => next(secret), 500],
    ['with 500 for a word it passes on', (_request, _response, next) => next('a secret'), 500],
    [
      'with 500 for a throw',
      () => {
        throw secret;
      },
      500,
    ],
    ['with 500 for a rejection', () => Promise.reject(secret), 500],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it must not count as going on
    ['with 500 for a rejection with nothing', () => Promise.reject(undefined), 500],
    ['as an HttpException says', (_request, _response, next) => next(new ForbiddenException()), 403],
    ['as an error of http-errors says', (_request, _response, next) => next(withStatus(429, { expose: true })), 429],
    ['as any error with a status says', (_request, _response, next) => next(withStatus(401)), 401],
    ['as an error with a fault of the server says', (_request, _response, next) => next(withStatus(503)), 503],
    ['with 500 for a status that is no refusal', (_request, _response, next) => next(withStatus(200)), 500],
  ])('%s', async (_what, fail, status) => {
    const failures: UpgradeFailure[] = [];
    const app = await boot([passOn, fail], { onError: (failure) => void failures.push(failure) });
    await expect(app.connect('/ws/open')).rejects.toMatchObject({
      status,
      body: expect.not.stringContaining('secret'),
    });
    expect(failures).toMatchObject([{ status }]);
    expect(app.registry.size).toBe(0);
  });
});
