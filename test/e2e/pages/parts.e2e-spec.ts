import { describe, expect, it } from '@jest/globals';
import { Injectable, Module, Param, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  ConnectionRegistry,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  WsEndpointPart,
} from 'nestjs-plack-websocket';
import { fakeConnection, type QueuedClient } from 'nestjs-plack-websocket/testing';
import { startApp, type StartedApp } from '../../support/start-app.js';

// #region endpoint
interface Member {
  name: string;
  isAdmin: boolean;
}

interface Visit {
  room: string;
}

@WsEndpoint({ path: 'rooms/:room', serializer: 'json' })
class RoomEndpoint {
  @OnEstablish()
  enter(connection: Connection<Member, Visit>, @Param('room') room: string): void {
    connection.data = { room };
    connection.join(`room:${room}`);
  }

  @OnError()
  explain(_connection: Connection<Member, Visit>, error: unknown): unknown {
    return error instanceof RangeError ? { event: 'sorry', data: error.message } : undefined;
  }
}
// #endregion endpoint

@Injectable()
class Minutes {
  readonly lines: string[] = [];
}

// #region part
@WsEndpointPart(RoomEndpoint)
class ChatEvents {
  constructor(private readonly minutes: Minutes) {}

  @OnMessage('say')
  say(connection: Connection<Member, Visit>, @MessageBody('text') text: string): void {
    const { user, data } = connection;
    this.minutes.lines.push(`${user.name}: ${text}`);
    connection.to(`room:${data.room}`).send('said', { name: user.name, text });
  }

  @OnMessage('minutes')
  read(): string[] {
    if (this.minutes.lines.length === 0) throw new RangeError('nothing was said yet');
    return this.minutes.lines;
  }
}

@Module({ providers: [ChatEvents, Minutes] })
class ChatModule {}
// #endregion part

// #region presence
@WsEndpointPart(RoomEndpoint)
class Presence {
  /** What only this part knows of a connection. */
  readonly #since = new WeakMap<object, number>();

  constructor(private readonly registry: ConnectionRegistry) {}

  @OnEstablish()
  enter(connection: Connection<Member, Visit>): void {
    this.#since.set(connection, Date.now());
    this.registry.to(`room:${connection.data.room}`).send('joined', connection.user.name);
  }

  @OnFinish()
  leave(connection: Connection<Member, Visit>): void {
    const stayedMs = Date.now() - (this.#since.get(connection) ?? 0);
    this.registry.to(`room:${connection.data.room}`).send('left', { name: connection.user.name, stayedMs });
  }
}
// #endregion presence

@Module({ providers: [Presence] })
class PresenceModule {}

// #region guard
@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<{ user: Member }>().user.isAdmin;
  }
}

@WsEndpointPart(RoomEndpoint)
class AdminEvents {
  constructor(private readonly registry: ConnectionRegistry) {}

  @UseGuards(AdminGuard)
  @OnEstablish()
  enter(connection: Connection<Member, Visit>): void {
    void connection.send('tools', ['close']);
  }

  @OnMessage('close')
  close(connection: Connection<Member, Visit>): void {
    void this.registry.to(`room:${connection.data.room}`).except(connection).close(4000, 'the room closes');
  }
}
// #endregion guard

@Module({ providers: [AdminEvents] })
class AdminModule {}

// #region library
@WsEndpointPart()
class Clock {
  @OnMessage('time')
  time(): string {
    return new Date().toISOString();
  }
}

@WsEndpoint({ path: 'hall', serializer: 'json', parts: [Clock] })
class HallEndpoint {}
// #endregion library

// #region module
@Module({
  imports: [PlackWebSocketModule.forRoot({ path: '/ws' }), ChatModule, PresenceModule, AdminModule],
  providers: [RoomEndpoint],
})
class AppModule {}
// #endregion module

const MEMBERS: Readonly<Record<string, Member>> = {
  ada: { name: 'Ada', isAdmin: true },
  grace: { name: 'Grace', isAdmin: false },
};

async function start(): Promise<StartedApp> {
  return startApp({ options: false, imports: [AppModule], configure: (app) => app.useGlobalGuards(new MemberGuard()) });
}

class MemberGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<{ url: string; user: Member | undefined }>();
    request.user = MEMBERS[new URLSearchParams(request.url.split('?')[1]).get('member') ?? ''];
    return request.user !== undefined;
  }
}

async function enter(app: StartedApp, member: string): Promise<QueuedClient> {
  return app.connect('/ws/rooms/blue', { query: { member } });
}

describe('a room that is split over modules', () => {
  it('says at boot what belongs to it', async () => {
    const app = await start();
    expect(app.logs.at('log')).toContainEqual(
      expect.stringMatching(/^Mapped {\/ws\/rooms\/:room, WS} RoomEndpoint \+ ChatEvents \(2 events\) \+ Presence \+ /),
    );
  });

  it('is one for its members', async () => {
    const app = await start();
    const ada = await enter(app, 'ada');
    expect([await ada.nextJson(), await ada.nextJson()]).toEqual(
      expect.arrayContaining([
        { event: 'joined', data: 'Ada' },
        { event: 'tools', data: ['close'] },
      ]),
    );
    const grace = await enter(app, 'grace');
    expect(await ada.nextJson()).toEqual({ event: 'joined', data: 'Grace' });
    expect(await grace.nextJson()).toEqual({ event: 'joined', data: 'Grace' });
    void grace.send({ event: 'minutes' });
    expect(await grace.nextJson()).toEqual({ event: 'sorry', data: 'nothing was said yet' });
    void grace.send({ event: 'say', data: { text: 'hello' } });
    expect(await ada.nextJson()).toEqual({ event: 'said', data: { name: 'Grace', text: 'hello' } });
    await grace.nextJson();
    void grace.send({ event: 'close' });
    expect(await grace.nextJson()).toMatchObject({ event: 'error', data: { code: 'forbidden' } });
    void ada.send({ event: 'close' });
    expect(await grace.closed()).toMatchObject({ code: 4000 });
  });
});

// #region alone
it('a part can be tested alone', () => {
  const registry = new ConnectionRegistry();
  const ada = fakeConnection(RoomEndpoint, { registry, data: { room: 'blue' } });
  ada.join('room:blue');
  const grace = fakeConnection(RoomEndpoint, {
    registry,
    user: { name: 'Grace', isAdmin: false },
    data: { room: 'blue' },
  });
  new Presence(registry).enter(grace);
  expect(ada.sent).toEqual([{ event: 'joined', data: 'Grace' }]);
});
// #endregion alone

it('a part of a package is named by the endpoint', async () => {
  const app = await startApp({ endpoints: [HallEndpoint, Clock] });
  const client = await app.connect('/ws/hall');
  void client.send({ event: 'time' });
  expect(await client.nextJson()).toEqual({ event: 'time', data: expect.stringMatching(/^\d{4}-/) });
});
