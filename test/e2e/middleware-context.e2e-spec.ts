import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  Param,
  UseGuards,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type PipeTransform,
} from '@nestjs/common';
import type { Request, RequestHandler } from 'express';
import { Connection, OnEstablish, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { startApp } from '../support/start-app.js';

const als = new AsyncLocalStorage<string>();

/** Where the application ran, and in which store. */
let seen: (readonly [place: string, store: string | undefined])[];
beforeEach(() => {
  seen = [];
});

function see(place: string): void {
  seen.push([place, als.getStore()]);
}

class Guard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    see('guard');
    return !host.switchToHttp().getRequest<Request>().url.includes('refuse');
  }
}

class Pipe implements PipeTransform {
  transform(value: unknown): unknown {
    see('pipe');
    return value;
  }
}

@Catch()
class Filter implements ExceptionFilter {
  catch(): void {
    see('filter');
  }
}

@UseGuards(Guard)
@WsEndpoint('rooms/:room')
class Room {
  @OnEstablish()
  enter(connection: Connection, @Param('room', Pipe) _room: string): void {
    see('establish');
    void connection.send(als.getStore() ?? 'none');
  }
}

/** The store is the query of the request, so that two requests have different ones. */
const within: RequestHandler = (request, _response, next) => als.run(request.url.split('?')[1] ?? 'none', () => next());
const look: RequestHandler = (_request, _response, next) => {
  see('middleware');
  next();
};

const options: PlackWebSocketModuleOptions = {
  login: () => {
    see('login');
    return true;
  },
  handshake: () => see('hook'),
  onError: () => see('onError'),
};

const PATH = '/ws/rooms/a';
const ALL = ['middleware', 'login', 'hook', 'guard', 'pipe', 'establish'];

describe('what middleware opens with als.run(store, next)', () => {
  const wait: RequestHandler = (_request, _response, next) => void nextTurn().then(() => next());
  const handOn: RequestHandler = async (request, _response, next) => {
    await nextTurn();
    als.run(request.url.split('?')[1] ?? 'none', next);
  };

  it.each<[string, readonly RequestHandler[], PlackWebSocketModuleOptions]>([
    ['at once', [within, look], options],
    ['after a while', [handOn, look], options],
    ['in front of middleware that takes time', [within, wait, look, wait], options],
    [
      'in front of a login and a hook that take time',
      [within, look],
      {
        login: async () => {
          see('login');
          await nextTurn();
          return true;
        },
        handshake: async () => {
          see('hook');
          await nextTurn();
        },
      },
    ],
  ])('is there in all that follows, as in a controller: %s', async (_what, middleware, given) => {
    const app = await startApp({ endpoints: [Room], options: { ...given, middleware: [...middleware] } });
    const client = await app.connect(`${PATH}?ada`);
    expect(await client.next()).toBe('ada');
    expect(seen).toEqual(ALL.map((place) => [place, 'ada']));
  });

  it('is there in filters and onError when the upgrade is refused', async () => {
    const app = await startApp({
      endpoints: [Room],
      options: { ...options, middleware: [within] },
      configure: (nest) => nest.useGlobalFilters(new Filter()),
    });
    await expect(app.connect(`${PATH}?refuse`)).rejects.toMatchObject({ status: 403 });
    expect(seen).toEqual(['login', 'hook', 'guard', 'filter', 'onError'].map((place) => [place, 'refuse']));
  });

  it('is that of each request, when they come at the same time', async () => {
    const app = await startApp({ endpoints: [Room], options: { middleware: [within, wait] } });
    const names = ['ada', 'bob', 'cid'];
    const clients = await Promise.all(names.map((name) => app.connect(`${PATH}?${name}`)));
    expect(await Promise.all(clients.map((client) => client.next()))).toEqual(names);
  });

  it('may be left by a handler that throws behind next, which is told in the log and refuses nothing', async () => {
    const throwLater: RequestHandler = (_request, _response, next) => {
      als.run('ada', next);
      throw new Error('too late');
    };
    const app = await startApp({ endpoints: [Room], options: { middleware: [throwLater] } });
    expect(await (await app.connect(PATH)).next()).toBe('ada');
    expect(app.logs.problems).toEqual([expect.stringMatching(/Middleware failed after it had called next.*too late/s)]);
  });
});
