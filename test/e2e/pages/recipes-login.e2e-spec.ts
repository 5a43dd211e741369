import { describe, expect, it } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http';
import {
  Controller,
  Injectable,
  Param,
  Post,
  Req,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { MessageBody } from '@nestjs/websockets';
import type { Request } from 'express';
import session, { type Session } from 'express-session';
import {
  Connection,
  ConnectionRegistry,
  type Reached,
  HandshakeResponse,
  OnEstablish,
  OnMessage,
  RequestContext,
  WsEndpoint,
  type Delivery,
  type PlackWebSocketModuleOptions,
} from 'nestjs-plack-websocket';
import { patient } from '../../support/patience.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

// #region jwt
interface Claims {
  readonly sub: string;
  readonly exp: number;
}

/** The option `handshake` of the module. `JwtModule` is registered with `global: true`. */
@Injectable()
class TokenHandshake {
  constructor(private readonly jwt: JwtService) {}

  async handshake(context: RequestContext, response: HandshakeResponse): Promise<void> {
    // A browser sends the cookie, other clients the header.
    const token = context.cookies['token'] ?? /^Bearer (.+)$/.exec(context.headers.authorization ?? '')?.[1] ?? '';
    const claims = await this.jwt.verifyAsync<Claims>(token).catch((cause: unknown) => {
      throw new UnauthorizedException('no valid token', { cause });
    });
    context.user = { id: claims.sub };
    response.expiresAt = claims.exp * 1000; // then the connection closes with 4401
  }
}
// #endregion jwt

interface User {
  readonly id: string;
}

// #region renew
@WsEndpoint({ path: 'account', serializer: 'json' })
class AccountEndpoint {
  constructor(private readonly jwt: JwtService) {}

  /** The client sends a fresh token before the old one ends, and stays connected. */
  @OnMessage('renew')
  async renew(connection: Connection<User>, @MessageBody() token: string): Promise<{ until: number }> {
    const { sub, exp } = await this.jwt.verifyAsync<Claims>(token).catch((cause: unknown) => {
      throw new UnauthorizedException('no valid token', { cause });
    });
    if (sub !== connection.user.id) throw new UnauthorizedException('the token of another user');
    connection.reauthenticate(exp * 1000);
    return { until: exp };
  }
}
// #endregion renew

// #region guard
/** As written for controllers. */
@Injectable()
class TokenGuard implements CanActivate {
  constructor(private readonly jwt: JwtService) {}

  async canActivate(host: ExecutionContext): Promise<boolean> {
    const request = host.switchToHttp().getRequest<{ headers: IncomingHttpHeaders; user?: Claims }>();
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    request.user = await this.jwt.verifyAsync<Claims>(token).catch((cause: unknown) => {
      throw new UnauthorizedException('no valid token', { cause });
    });
    return true;
  }
}

@WsEndpoint({ path: 'orders', serializer: 'json', expiresAt: (user: Claims) => user.exp * 1000 })
class OrdersEndpoint {
  constructor(private readonly jwt: JwtService) {}

  /** Asked once, before the 101. */
  @UseGuards(TokenGuard)
  @OnEstablish()
  enter(): void {}

  @OnMessage('renew')
  async renew(connection: Connection<Claims>, token: string): Promise<void> {
    const claims = await this.jwt.verifyAsync<Claims>(token).catch((cause: unknown) => {
      throw new UnauthorizedException('no valid token', { cause });
    });
    connection.user = claims; // throws for another user than the first one
    connection.reauthenticate(claims.exp * 1000);
  }
}
// #endregion guard

// #region user
@Injectable()
class Notifications {
  constructor(private readonly registry: ConnectionRegistry) {}

  /** A user may have several tabs: each of them gets it. */
  notify(user: User, text: string): Delivery {
    return this.registry.toUser(user.id).send({ event: 'notification', data: { text } });
  }
}
// #endregion user

// #region logout
@Controller('users')
class LogoutController {
  constructor(private readonly registry: ConnectionRegistry) {}

  /** After the session or the token is invalid, so that no client comes back with it. */
  @Post(':id/logout')
  logout(@Param('id') id: string): Promise<Reached> {
    return this.registry.toUser(id).close(4403, 'logged out');
  }
}
// #endregion logout

// #region session
interface LoggedIn extends Session {
  user?: User;
}

const sessions = session({ secret: 'read it from your configuration', resave: false, saveUninitialized: false });

/** In `main.ts` the same one is there for controllers: `app.use(sessions)`. */
const options: PlackWebSocketModuleOptions = {
  middleware: [sessions],
  handshake: (context) => {
    const { user } = context.session as LoggedIn;
    if (user === undefined) throw new UnauthorizedException();
    context.user = user;
  },
};
// #endregion session

@Controller('login')
class LoginController {
  @Post(':id')
  login(@Req() request: Request, @Param('id') id: string): void {
    (request.session as LoggedIn).user = { id };
  }
}

@WsEndpoint({ path: 'inbox', serializer: 'json' })
class InboxEndpoint {
  @OnEstablish()
  enter(): void {}
}

const HOUR_S = 60 * 60;

async function bootWithTokens(
  own: PlackWebSocketModuleOptions = { handshake: TokenHandshake },
): Promise<{ app: StartedApp; tokenOf: (sub: string, expiresIn?: number) => string }> {
  const app = await startApp({
    imports: [JwtModule.register({ global: true, secret: 'for tests only' })],
    endpoints: [AccountEndpoint, InboxEndpoint, OrdersEndpoint],
    controllers: [LogoutController],
    providers: [Notifications],
    options: own,
  });
  const jwt = app.app.get(JwtService);
  return { app, tokenOf: (sub, expiresIn = HOUR_S) => jwt.sign({ sub }, { expiresIn }) };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('the recipes of docs/guide/11-recipes.md about logins', () => {
  it('take a JWT from the cookie or the header, and refuse without a valid one', async () => {
    const { app, tokenOf } = await bootWithTokens();
    await app.connect('/ws/inbox', bearer(tokenOf('ada')));
    await app.connect('/ws/inbox', { headers: { cookie: `token=${tokenOf('ada')}` } });
    expect([...app.registry].map(({ user }) => user)).toEqual([{ id: 'ada' }, { id: 'ada' }]);
    for (const token of ['', 'x.y.z', `${tokenOf('ada')}x`, tokenOf('ada', -1)]) {
      await expect(app.connect('/ws/inbox', bearer(token))).rejects.toMatchObject({
        status: 401,
        body: expect.stringContaining('no valid token'),
      });
    }
  });

  it('close when the token ends, unless the client sent a fresh one of the same user', async () => {
    const { app, tokenOf } = await bootWithTokens();
    const [ending, renewed] = [
      await app.connect('/ws/account', bearer(tokenOf('ada', 3))),
      await app.connect('/ws/account', bearer(tokenOf('ada', 3))),
    ];
    await renewed.send({ event: 'renew', data: tokenOf('ada') });
    expect(await renewed.nextJson()).toMatchObject({ event: 'renew', data: { until: expect.any(Number) } });
    await ending.send({ event: 'renew', data: tokenOf('eve') });
    expect(await ending.nextJson()).toMatchObject({ event: 'error', data: { message: 'the token of another user' } });
    expect(await ending.closed({ timeoutMs: patient(6000) })).toMatchObject({ code: 4401 });
    await renewed.send({ event: 'renew', data: tokenOf('ada') });
    expect(await renewed.nextJson()).toMatchObject({ event: 'renew' });
  });

  it('ask a guard once, close when its token ends, and keep who sends a fresh one', async () => {
    const { app, tokenOf } = await bootWithTokens({});
    await expect(app.connect('/ws/orders')).rejects.toMatchObject({ status: 401 });
    await expect(app.connect('/ws/orders', bearer(tokenOf('ada', -1)))).rejects.toMatchObject({ status: 401 });
    const short = bearer(tokenOf('ada', 3));
    const [ending, renewed] = [await app.connect('/ws/orders', short), await app.connect('/ws/orders', short)];
    void renewed.send({ event: 'renew', data: tokenOf('ada'), id: 1 });
    expect(await renewed.nextJson()).toEqual({ event: 'renew', id: 1 });
    void ending.send({ event: 'renew', data: tokenOf('eve'), id: 2 });
    expect(await ending.nextJson()).toMatchObject({ event: 'error', id: 2 });
    expect(await ending.closed({ timeoutMs: patient(6000) })).toMatchObject({ code: 4401 });
    void renewed.send({ event: 'renew', data: tokenOf('ada'), id: 3 });
    expect(await renewed.nextJson()).toEqual({ event: 'renew', id: 3 });
  });

  it('reach every connection of one user, and close them at logout', async () => {
    const { app, tokenOf } = await bootWithTokens();
    const [tab, phone] = [
      await app.connect('/ws/inbox', bearer(tokenOf('ada'))),
      await app.connect('/ws/inbox', bearer(tokenOf('ada'))),
    ];
    const other = await app.connect('/ws/inbox', bearer(tokenOf('grace')));
    const notifications = app.app.get(Notifications);
    expect(notifications.notify({ id: 'ada' }, 'hello')).toEqual({ matched: 2, sent: 2, dropped: 0 });
    const hello = { event: 'notification', data: { text: 'hello' } };
    expect([await tab.nextJson(), await phone.nextJson()]).toEqual([hello, hello]);

    const answer = await app.fetch('/users/ada/logout', { method: 'POST' });
    expect(await answer.json()).toEqual({ nodes: [expect.any(String)], missing: [] });
    const end = { code: 4403, reason: 'logged out', clean: true };
    expect([await tab.closed(), await phone.closed()]).toEqual([end, end]);
    expect(notifications.notify({ id: 'grace' }, 'still here')).toMatchObject({ sent: 1 });
    expect(await other.nextJson()).toMatchObject({ data: { text: 'still here' } });
  });

  it('let in by the cookie of a session', async () => {
    const app = await startApp({
      endpoints: [InboxEndpoint],
      controllers: [LoginController],
      providers: [Notifications],
      options,
      platform: 'express',
      configure: (nest) => nest.use(sessions),
    });
    await expect(app.connect('/ws/inbox')).rejects.toMatchObject({ status: 401 });
    const [cookie = ''] = (await app.fetch('/login/ada', { method: 'POST' })).headers.getSetCookie();
    await app.connect('/ws/inbox', { headers: { cookie: cookie.replace(/;.*/, '') } });
    expect([...app.registry].map(({ user }) => user)).toEqual([{ id: 'ada' }]);
  });
});
