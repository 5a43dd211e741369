import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Req, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request, RequestHandler } from 'express';
import session, { type Session } from 'express-session';
import passport from 'passport';
import {
  Connection,
  OnEstablish,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type UpgradeMiddleware,
} from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';

interface Visited extends Session {
  visits?: number;
}

/** The request that middleware works on, on whichever platform. */
function middlewareRequest(request: Request & { raw?: IncomingMessage }): Request {
  return (request.raw ?? request) as Request;
}

@Controller()
class Accounts {
  @Post('login')
  async login(@Req() request: Request): Promise<void> {
    const { login } = middlewareRequest(request);
    await promisify<Express.User, void>(login).call(middlewareRequest(request), { name: 'alice' });
  }

  @Get('visits')
  visits(@Req() request: Request): number {
    return (middlewareRequest(request).session as Visited).visits ?? 0;
  }
}

class LoggedIn implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<Request>().isAuthenticated();
  }
}

@WsEndpoint('who')
class Who {
  @OnEstablish()
  tell(connection: Connection<{ name: string } | undefined>): void {
    void connection.send(connection.user?.name ?? 'nobody');
  }
}

@UseGuards(LoggedIn)
@WsEndpoint('members')
class Members extends Who {}

/** An application whose pages and upgrades have the same sessions and logins. */
async function boot(options: PlackWebSocketModuleOptions = {}): Promise<StartedApp> {
  const logins = new passport.Passport();
  logins.serializeUser((user, done) => done(null, user));
  logins.deserializeUser((user: Express.User, done) => done(null, user));
  const middleware: RequestHandler[] = [
    session({ secret: 'for tests only', resave: false, saveUninitialized: true }),
    logins.initialize(),
    logins.session(),
  ];
  return startApp({
    endpoints: [Who, Members],
    controllers: [Accounts],
    options: { middleware: middleware as UpgradeMiddleware[], ...options },
    configure: (app) => middleware.forEach((run) => app.use(run)),
  });
}

async function logIn(app: StartedApp): Promise<{ cookie: string }> {
  const answer = await app.fetch('/login', { method: 'POST' });
  const [cookie = ''] = answer.headers.getSetCookie();
  return { cookie: cookie.replace(/;.*/, '') };
}

describe('a session of express-session and passport', () => {
  it('makes a login over HTTP the user of the connection', async () => {
    const app = await boot();
    const client = await app.connect('/ws/who', { headers: await logIn(app) });
    expect(await client.next()).toBe('alice');
    const stranger = await app.connect('/ws/who');
    expect(await stranger.next()).toBe('nobody');
  });

  it('is what login, hook and guards decide by', async () => {
    const names: unknown[] = [];
    const app = await boot({
      login: ({ user }) => user !== undefined,
      handshake: ({ user }) => void names.push(user),
    });
    await expect(app.connect('/ws/who')).rejects.toMatchObject({ status: 401 });
    const headers = await logIn(app);
    await app.connect('/ws/members', { headers });
    expect(names).toEqual([{ name: 'alice' }]);
  });

  it('is asked by a guard that was written for HTTP', async () => {
    const app = await boot();
    await expect(app.connect('/ws/members')).rejects.toMatchObject({ status: 403 });
    const client = await app.connect('/ws/members', { headers: await logIn(app) });
    expect(await client.next()).toBe('alice');
  });

  it('sends its cookie with the 101, and what the hook changes is there over HTTP', async () => {
    const app = await boot({
      handshake: ({ session: current }) => {
        const visited = current as Visited;
        visited.visits = (visited.visits ?? 0) + 1;
      },
    });
    const client = await app.connect('/ws/who');
    const [cookie = ''] = client.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^connect\.sid=s%3A[^;]+; Path=\/; HttpOnly$/);
    const headers = { cookie: cookie.replace(/;.*/, '') };
    expect(await (await app.fetch('/visits', { headers })).text()).toBe('1');
    const again = await app.connect('/ws/who', { headers });
    expect(again.headers).not.toHaveProperty('set-cookie');
    expect(await (await app.fetch('/visits', { headers })).text()).toBe('2');
  });

  it('sends its cookie also when later middleware refuses', async () => {
    const sessions = session({ secret: 'for tests only', resave: false, saveUninitialized: true });
    const refuse: RequestHandler = (_request, response) => response.redirect('/login');
    const app = await boot({ middleware: [sessions, refuse] });
    await expect(app.connect('/ws/who')).rejects.toMatchObject({
      status: 302,
      headers: { location: '/login', 'set-cookie': [expect.stringMatching(/^connect\.sid=/)] },
    });
  });

  it('takes no cookie that it did not sign', async () => {
    const app = await boot();
    const { cookie } = await logIn(app);
    const client = await app.connect('/ws/who', { headers: { cookie: `${cookie.slice(0, -2)}xx` } });
    expect(await client.next()).toBe('nobody');
  });
});
