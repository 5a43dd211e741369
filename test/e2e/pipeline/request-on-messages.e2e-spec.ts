import { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Param,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import cookieParser from 'cookie-parser';
import session from 'express-session';
import {
  Connection,
  OnEstablish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../../src/index.js';
import type { QueuedClient } from '../../../src/testing.js';
import { ChildApp } from '../../support/child-app.js';
import { connect } from '../../support/connect.js';
import { Journal } from '../../support/journal.js';
import { NEST } from '../../support/nest-version.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

/** What guards written for controllers read of a request. */
const NAMES = [
  ...(['ip', 'cookies', 'session', 'path', 'originalUrl', 'method', 'socket', 'httpVersion'] as const),
  ...(['headers', 'url', 'params', 'query', 'user'] as const),
  ...(['host', 'hostname', 'protocol', 'secure', 'ips'] as const),
];

/** With Express 4 and Fastify 4 controllers read these otherwise; here they are those of Express 5 and Fastify 5 on every Nest. */
const OWN_READING: readonly string[] = NEST === '10' ? ['host', 'hostname'] : [];

type Seen = Record<(typeof NAMES)[number], unknown>;

/** What differs between any two requests is left out: the rest has to be the same. */
function look(request: Record<string, unknown>): Seen {
  const {
    socket,
    headers,
    session: kept,
  } = request as {
    socket: { remoteAddress: string };
    headers: Record<string, string>;
    session?: { name?: string };
  };
  return {
    ...(Object.fromEntries(NAMES.map((name) => [name, request[name]])) as Seen),
    socket: socket.remoteAddress,
    headers: { cookie: headers['cookie'], 'x-own': headers['x-own'] },
    session: kept?.name,
  };
}

const seen = new Journal<[stage: string, Seen]>();
const requests: unknown[] = [];

@Injectable()
class Looking implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Record<string, unknown>>();
    requests.push(request);
    const handler = context.getType() === 'ws' ? 'message' : context.getClass() === Page ? 'controller' : 'handshake';
    seen.add([handler, look(request)]);
    return true;
  }
}

@UseGuards(Looking)
@Controller('rooms')
class Page {
  @Get(':id')
  show(@Param('id') id: string): string {
    return id;
  }
}

@UseGuards(Looking)
@WsEndpoint('rooms/:id')
class Room {
  @OnEstablish()
  enter(connection: Connection): void {
    void connection.send('welcome');
  }

  @OnMessage()
  say(_connection: Connection, text: string): string {
    return text;
  }
}

const middleware = [
  cookieParser(),
  session({ secret: 's', resave: false, saveUninitialized: true }),
  (request: { session: { name: string }; user: unknown }, _response: unknown, next: () => void) => {
    request.session.name = 'kept';
    request.user = { name: 'ann' };
    next();
  },
] as never[];

const TARGET = '/rooms/caf%C3%A9?x=1&y=a%20b';
const HEADERS = { cookie: 'theme=dark; lang=de', 'x-own': 'v' };

describe('the request that a guard gets', () => {
  beforeEach(() => {
    seen.entries.splice(0);
    requests.splice(0);
  });

  async function stages(spec: AppSpec): Promise<Record<string, Seen>> {
    const app = await startApp({
      endpoints: [Room],
      controllers: [Page],
      options: { path: '/', middleware },
      configure: (nest) => middleware.forEach((one) => nest.use(one)),
      ...spec,
    });
    expect((await app.fetch(TARGET, { headers: HEADERS })).status).toBe(200);
    const client = await app.connect(TARGET, { headers: HEADERS });
    await client.next();
    void client.send('hello');
    expect(await client.next()).toBe('hello');
    return Object.fromEntries(seen.entries);
  }

  it('is the same for controller, handshake and message, name by name, on Express', async () => {
    const { controller, handshake, message } = await stages({ platform: 'express' });
    expect(controller).toMatchObject({
      ip: '127.0.0.1',
      cookies: { theme: 'dark', lang: 'de' },
      session: 'kept',
      path: '/rooms/caf%C3%A9',
      originalUrl: TARGET,
      method: 'GET',
      httpVersion: '1.1',
      params: { id: 'café' },
      query: { x: '1', y: 'a b' },
      user: { name: 'ann' },
    });
    for (const name of NAMES) {
      expect([name, controller?.[name]]).not.toEqual([name, undefined]);
      expect([name, message?.[name]]).toEqual([name, handshake?.[name]]);
      if (OWN_READING.includes(name)) continue;
      expect([name, handshake?.[name]]).toEqual([name, controller?.[name]]);
    }
    expect(message).toMatchObject({ host: expect.stringMatching(/^127\.0\.0\.1:\d+$/), hostname: '127.0.0.1' });
  });

  it('is the same for controller, handshake and message, name by name, on Fastify', async () => {
    const { controller, handshake, message } = await stages({ platform: 'fastify' });
    // Fastify keeps the others at the bare request behind its own.
    const ofFastify = [
      ...(['ip', 'originalUrl', 'method', 'socket', 'headers', 'url', 'params', 'query'] as const),
      ...(['host', 'hostname', 'protocol'] as const),
    ];
    for (const name of ofFastify.filter((one) => !OWN_READING.includes(one))) {
      expect([name, handshake?.[name]]).toEqual([name, controller?.[name]]);
    }
    for (const name of NAMES) {
      expect(handshake?.[name]).toBeDefined();
      expect([name, message?.[name]]).toEqual([name, handshake?.[name]]);
    }
  });

  it('is one object from the handshake to the last message', async () => {
    await stages({});
    const [, ...ofConnection] = requests;
    expect(ofConnection).toHaveLength(2);
    expect(ofConnection[0]).toBeInstanceOf(IncomingMessage);
    expect(ofConnection[1]).toBe(ofConnection[0]);
  });
});

/** The part of a request that is more than Node's. */
interface ControllerRequest {
  readonly hostname: string;
  readonly protocol: string;
  readonly secure: boolean;
  readonly ips: readonly string[];
  get(name: string): unknown;
  header(name: string): unknown;
}

/** The part of a response that guards of Express and Fastify use. */
interface Response {
  statusCode: number;
  readonly headersSent: boolean;
  header(name: string, value: string): Response;
  setHeader(name: string, value: string): Response;
  status(code: number): Response;
  getHeader(name: string): unknown;
}

describe('a guard on messages alone', () => {
  async function guarded(
    canActivate: CanActivate['canActivate'],
    options: PlackWebSocketModuleOptions = {},
  ): Promise<StartedApp> {
    @WsEndpoint({ path: 'guarded', serializer: 'json' })
    class Guarded {
      @UseGuards({ canActivate })
      @OnMessage('say')
      say(connection: Connection): unknown {
        return { user: connection.user, address: connection.context.ip };
      }
    }
    return startApp({ endpoints: [Guarded], options: { origin: '*', ...options } });
  }

  async function ask(app: StartedApp, times = 1): Promise<unknown> {
    const client = await app.connect('/ws/guarded?token=t', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
    let answer: unknown;
    for (let i = 0; i < times; i++) {
      void client.send({ event: 'say' });
      answer = await client.nextJson();
    }
    return answer;
  }

  it('finds the address that it denies', async () => {
    const app = await guarded((context) => context.switchToHttp().getRequest<{ ip: string }>().ip !== '203.0.113.9', {
      trustProxy: 'loopback',
    });
    expect(await ask(app)).toEqual({ event: 'error', data: { code: 'forbidden', message: 'Forbidden resource' } });
  });

  it.each<[string, (request: ControllerRequest) => boolean, object?]>([
    ['its host', ({ hostname }) => hostname !== 'localhost', { Host: 'localhost:3000' }],
    ['a scheme that is not encrypted', ({ protocol, secure }) => protocol !== 'http' || secure],
    ['a header', (request) => request.get('X-Own') !== 'v' && request.header('x-own') !== 'v'],
    ['an address of those that proxies name', ({ ips }) => !ips.includes('203.0.113.9')],
  ])('finds %s that it denies', async (_what, canActivate, headers = {}) => {
    const app = await guarded((context) => canActivate(context.switchToHttp().getRequest<ControllerRequest>()), {
      trustProxy: 'loopback',
    });
    const client = await app.connect('/ws/guarded', {
      headers: { 'X-Own': 'v', 'X-Forwarded-For': '203.0.113.9', ...headers },
    });
    void client.send({ event: 'say' });
    expect(await client.nextJson()).toMatchObject({ event: 'error', data: { code: 'forbidden' } });
  });

  it('that writes the user writes that of the connection, and other names stay on the request', async () => {
    const notes: unknown[] = [];
    const app = await guarded((context) => {
      const request = context.switchToHttp().getRequest<{ user: unknown; query: object; tenant?: string }>();
      notes.push(request.tenant, { ...request.query });
      request.tenant = 'acme';
      request.query = { token: 'taken' };
      request.user = 'ann';
      return true;
    });
    expect(await ask(app, 2)).toMatchObject({ data: { user: 'ann' } });
    expect(notes).toEqual([undefined, { token: 't' }, 'acme', { token: 'taken' }]);
  });

  it('that does not ask for the request costs nothing', async () => {
    let asked = 0;
    const trustProxy = (): boolean => asked++ >= 0;
    const app = await guarded(() => true, { trustProxy });
    const client = await app.connect('/ws/guarded', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
    const [connection] = app.registry;
    void client.send({ event: 'say' });
    await client.next();
    const before = asked;
    expect(Object.getPrototypeOf(connection?.context.raw)).toBe(IncomingMessage.prototype);
    void client.send({ event: 'say' });
    await client.next();
    expect(asked).toBe(before);
  });

  it('finds a response that takes what it is told and does nothing', async () => {
    const app = await guarded((context) => {
      const response = context.switchToHttp().getResponse<Response>();
      response.status(418).header('X-Own', 'v').setHeader('X-Other', 'v');
      response.statusCode = 500;
      return response.getHeader('X-Own') === undefined && response.statusCode === 200 && !response.headersSent;
    });
    expect(await ask(app)).toMatchObject({ event: 'say' });
    expect(app.logs.problems).toEqual([]);
  });
});

it('a stock ThrottlerGuard counts messages by the address of their client', async () => {
  await using child = await ChildApp.start(new URL('./throttler.fixture.ts', import.meta.url));
  const target = new URL(`http://127.0.0.1:${child.port}`);
  const from = (address: string): Promise<QueuedClient> =>
    connect(target, '/ws/chat', { headers: { 'X-Forwarded-For': address } });
  const [ann, bob] = [await from('192.0.2.1'), await from('192.0.2.2')];
  const say = async (client: QueuedClient): Promise<unknown> => {
    void client.send({ event: 'say' });
    return client.nextJson();
  };
  const said = { event: 'say', data: 'said' };
  expect([await say(ann), await say(ann)]).toEqual([said, said]);
  expect(await say(ann)).toEqual({
    event: 'error',
    data: { code: 'too_many_requests', message: 'ThrottlerException: Too Many Requests' },
  });
  expect(await say(bob)).toEqual(said);
  expect(child.stderr).toBe('');
});

it('a filter of an endpoint that is written for HTTP leaves messages to the default answer', async () => {
  const filter = {
    catch: (_error: unknown, host: ArgumentsHost) =>
      host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(500).json({}),
  };
  @UseFilters(filter)
  @WsEndpoint({ path: 'chat', serializer: 'json' })
  class Chat {
    @OnMessage('say')
    say(): never {
      throw new ForbiddenException('not you');
    }
  }
  const app = await startApp({ endpoints: [Chat] });
  const client = await app.connect('/ws/chat');
  void client.send({ event: 'say', id: 1 });
  expect(await client.nextJson()).toEqual({ event: 'error', id: 1, data: { code: 'forbidden', message: 'not you' } });
  // The default answer to a refusal is no problem, a filter that fails would be.
  expect(app.logs.problems).toEqual([]);
});
