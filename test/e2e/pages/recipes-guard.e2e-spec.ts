import type { IncomingHttpHeaders } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Connection, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import { startApp, type StartedApp } from '../../support/start-app.js';

interface Member {
  readonly id: string;
}

@Injectable()
class Sessions {
  readonly open = new Map<string, Member>([['s1', { id: 'ada' }]]);

  find(id: string): Promise<Member | undefined> {
    return Promise.resolve(this.open.get(id));
  }
}

// #region guard
/** Asked for a page, for the handshake, and for each message: the request of all three has the headers. */
@Injectable()
class MemberGuard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders; user?: Member }>();
    const [, id = ''] = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '') ?? [];
    const member = await this.sessions.find(id);
    if (member === undefined) throw new UnauthorizedException();
    request.user = member; // of the page's request, and of the connection
    return true;
  }
}

@UseGuards(MemberGuard)
@Controller('profile')
class ProfileController {
  @Get()
  show(): string {
    return 'a page for members';
  }
}

@UseGuards(MemberGuard)
@WsEndpoint({ path: 'members', serializer: 'json' })
class MembersEndpoint {
  @OnMessage('who')
  who(connection: Connection<Member>): string {
    return connection.user.id;
  }
}
// #endregion guard

describe('the guard of docs/guide/11-recipes.md for pages, handshakes and messages', () => {
  const headers = { cookie: 'theme=dark; session=s1' };
  let app: StartedApp;
  beforeEach(async () => {
    app = await startApp({
      endpoints: [MembersEndpoint],
      controllers: [ProfileController],
      providers: [Sessions, MemberGuard],
    });
  });

  it('lets a member in', async () => {
    expect(await (await app.fetch('/profile', { headers })).text()).toBe('a page for members');
    const client = await app.connect('/ws/members', { headers });
    void client.send({ event: 'who' });
    expect(await client.nextJson()).toEqual({ event: 'who', data: 'ada' });
  });

  it('refuses a stranger', async () => {
    expect((await app.fetch('/profile')).status).toBe(401);
    await expect(app.connect('/ws/members')).rejects.toMatchObject({ status: 401 });
  });

  it('refuses the messages of a member whose session has ended', async () => {
    const client = await app.connect('/ws/members', { headers });
    app.app.get(Sessions).open.clear();
    void client.send({ event: 'who', id: 1 });
    expect(await client.nextJson()).toMatchObject({ event: 'error', id: 1, data: { code: 'unauthorized' } });
  });
});
