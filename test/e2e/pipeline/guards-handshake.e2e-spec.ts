import { IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  HttpException,
  Injectable,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { WsException } from '@nestjs/websockets';
import { of, throwError } from 'rxjs';
import { isPlackContext, OnEstablish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';
import { guard, isHandshake, startGuarded, type Answer } from './guarded-endpoint.js';

let happened: Journal;
beforeEach(() => {
  happened = new Journal();
});

function guardedBy(guards: Parameters<typeof startGuarded>[1], rest?: AppSpec): Promise<StartedApp> {
  return startGuarded(happened, guards, rest);
}

describe('a guard before the 101', () => {
  it('sees the request itself in an http context, while nothing is established', async () => {
    const seen: { context: ExecutionContext; size: number }[] = [];
    const app = await guardedBy([guard((context) => seen.push({ context, size: app.registry.size }) > 0)]);
    await app.connect('/ws/guarded');
    const [{ context, size } = {}] = seen;
    const [connection] = app.registry;
    expect(context?.getType()).toBe('http');
    expect(context?.switchToHttp().getRequest()).toBeInstanceOf(IncomingMessage);
    expect(context?.switchToHttp().getRequest()).toBe(connection?.context.raw);
    expect(context?.getClass()).toBe(connection?.endpoint);
    expect(context?.getHandler().name).toBe('enter');
    expect(context !== undefined && isPlackContext(context)).toBe(true);
    expect(size).toBe(0);
  });

  it.each<[string, (context: ExecutionContext) => Answer, number, unknown]>([
    ['says no', () => false, 403, { message: 'Forbidden resource', error: 'Forbidden', statusCode: 403 }],
    ['says no later', async () => false, 403, { message: 'Forbidden resource', error: 'Forbidden', statusCode: 403 }],
    ['says no as an Observable', () => of(false), 403, expect.objectContaining({ statusCode: 403 })],
    [
      'throws a built-in exception',
      () => {
        throw new UnauthorizedException('who are you?');
      },
      401,
      { message: 'who are you?', error: 'Unauthorized', statusCode: 401 },
    ],
    [
      'rejects with a body of its own',
      () => Promise.reject(new HttpException({ upgrade: 'your plan' }, 402)),
      402,
      { upgrade: 'your plan' },
    ],
    [
      'fails as an Observable',
      () => throwError(() => new HttpException('tea', 418)),
      418,
      { statusCode: 418, message: 'tea' },
    ],
    [
      'throws an unknown error',
      () => {
        throw new Error('secret');
      },
      500,
      { statusCode: 500, message: 'internal error', error: 'Internal Server Error' },
    ],
  ])('that %s refuses with its own status and body', async (_how, canActivate, status, body) => {
    const app = await guardedBy([guard(canActivate)]);
    const refused = await app.connect('/ws/guarded').catch((error: unknown) => error);
    expect(refused).toMatchObject({ status });
    expect(JSON.parse((refused as { body: string }).body)).toEqual(body);
    expect(happened.entries).toEqual([]);
    expect(app.registry.size).toBe(0);
  });

  it.each<[string, () => Answer]>([
    ['at once', () => true],
    ['later', async () => true],
    ['as an Observable', () => of(true)],
  ])('lets in %s', async (_when, canActivate) => {
    const app = await guardedBy([guard(canActivate)]);
    await app.connect('/ws/guarded');
    expect(await happened.next()).toBe('enter');
  });

  it('is asked after the one before it has settled, and not at all once one refused', async () => {
    const gate = new Gate<boolean>();
    const app = await guardedBy([
      guard((context) => {
        happened.add(`first ${context.getType()}`);
        return gate.opened;
      }),
      guard(() => happened.add('second') === undefined),
    ]);
    const pending = app.connect('/ws/guarded').catch((error: unknown) => error);
    expect(await happened.next()).toBe('first http');
    expect(happened.entries).toHaveLength(1);
    gate.open(false);
    expect(await pending).toMatchObject({ status: 403 });
    expect(happened.entries).toEqual(['first http']);
  });

  it('is not asked when the handshake hook has refused', async () => {
    const app = await guardedBy([guard(() => happened.add('asked') === undefined)], {
      options: { handshake: () => ({ status: 409 }) },
    });
    await expect(app.connect('/ws/guarded')).rejects.toMatchObject({ status: 409 });
    expect(happened.entries).toEqual([]);
  });

  it('puts the user on the request, and the connection keeps it', async () => {
    const app = await guardedBy([
      guard((context) => {
        if (isHandshake(context)) context.switchToHttp().getRequest<{ user: string }>().user = 'alice';
        return true;
      }),
    ]);
    await app.connect('/ws/guarded');
    const [connection] = app.registry;
    expect(connection?.user).toBe('alice');
  });

  it('finds on the request what a controller would find there', async () => {
    const found: unknown[] = [];
    const note = (request: Record<string, unknown>): boolean => {
      const { params, query, cookies, ip } = request;
      return found.push({ params: { ...Object(params) }, query: { ...Object(query) }, cookies, ip }) > 0;
    };
    @UseGuards(guard((context) => note(context.switchToHttp().getRequest())))
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(): void {}
    }

    @UseGuards(guard((context) => note(context.switchToHttp().getRequest())))
    @Controller('rooms')
    class Rooms {
      @Get(':room')
      show(): string {
        return 'room';
      }
    }
    const app = await startApp({ endpoints: [Room], controllers: [Rooms] });
    await app.fetch('/rooms/7?a=1&b=x&b=y');
    await app.connect('/ws/rooms/7?a=1&b=x&b=y', { headers: { cookie: 'sid=1' } });
    expect(found[1]).toEqual({ ...Object(found[0]), cookies: { sid: '1' } });
  });

  it('sets headers of the 101 through the response', async () => {
    const app = await guardedBy([
      guard((context) => {
        if (!isHandshake(context)) return true;
        context
          .switchToHttp()
          .getResponse<{ setHeader(name: string, value: string): void }>()
          .setHeader('X-Limit', '9');
        return true;
      }),
    ]);
    expect((await app.connect('/ws/guarded')).headers['x-limit']).toBe('9');
  });

  it('reads what decorators say about the method and the class', async () => {
    const Roles = Reflector.createDecorator<string[]>();

    @Injectable()
    class RolesGuard implements CanActivate {
      constructor(private readonly reflector: Reflector) {}

      canActivate(context: ExecutionContext): boolean {
        const roles = this.reflector.getAllAndMerge(Roles, [context.getHandler(), context.getClass()]);
        happened.add(`${roles.join()} ${this.reflector.get<string>('note', context.getHandler())}`);
        return true;
      }
    }

    @Roles(['member'])
    @WsEndpoint('roles')
    class WithRoles {
      @Roles(['admin'])
      @SetMetadata('note', 'on enter')
      @OnEstablish()
      enter(): void {}

      @Roles(['writer'])
      @SetMetadata('note', 'on say')
      @OnMessage()
      say(): string {
        return 'said';
      }
    }
    const app = await startApp({ endpoints: [WithRoles], providers: [{ provide: APP_GUARD, useClass: RolesGuard }] });
    const client = await app.connect('/ws/roles');
    void client.send('hello');
    await client.next();
    expect(happened.entries).toEqual(['admin,member on enter', 'writer,member on say']);
  });

  it('protects an endpoint that has no @OnEstablish', async () => {
    @UseGuards(guard(() => false))
    @WsEndpoint('bare')
    class Bare {
      @OnMessage()
      say(): void {}
    }
    const app = await startApp({ endpoints: [Bare] });
    await expect(app.connect('/ws/bare')).rejects.toMatchObject({ status: 403 });
  });
});

describe('a guard that throws a WsException in the handshake', () => {
  class AtOnceGuard implements CanActivate {
    canActivate(): boolean {
      throw new WsException('secret');
    }
  }

  class LaterGuard implements CanActivate {
    async canActivate(): Promise<boolean> {
      await Promise.resolve();
      throw new WsException('secret');
    }
  }

  it.each<[string, CanActivate | (new () => CanActivate), string]>([
    ['at once', AtOnceGuard, 'The guard AtOnceGuard of Guarded threw a WsException'],
    ['later', LaterGuard, 'The guard LaterGuard of Guarded threw a WsException'],
    [
      'as an Observable',
      guard(() => throwError(() => new WsException('secret'))),
      'A guard of Guarded threw a WsException',
    ],
  ])('refuses with 403, and the log names it and says what to throw: %s', async (_when, canActivate, line) => {
    const app = await guardedBy([canActivate]);
    const refused = { status: 403, body: expect.not.stringContaining('secret') };
    await expect(app.connect('/ws/guarded')).rejects.toMatchObject(refused);
    expect(app.logs.at('warn').join()).toContain(line);
    expect(app.logs.at('warn').join()).toMatch(
      /over HTTP: refused with 403\. Throw an HttpException where getType\(\) is 'http'/,
    );
  });
});
