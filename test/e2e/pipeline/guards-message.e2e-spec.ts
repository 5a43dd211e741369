import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Controller,
  Get,
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { of } from 'rxjs';
import { isPlackContext } from '../../../src/index.js';
import { Gate, Journal } from '../../support/journal.js';
import type { AppSpec, StartedApp } from '../../support/start-app.js';
import { guard, isHandshake, startGuarded, type Answer } from './guarded-endpoint.js';

let happened: Journal;
beforeEach(() => {
  happened = new Journal();
});

function guardedBy(guards: Parameters<typeof startGuarded>[1], rest?: AppSpec): Promise<StartedApp> {
  return startGuarded(happened, guards, rest);
}

describe('an AuthGuard written for controllers', () => {
  @Injectable()
  class AuthGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: string }>();
      if (request.headers['authorization'] === undefined) throw new UnauthorizedException();
      if (request.headers['authorization'] !== 'Bearer alice') throw new BadRequestException(['no such token']);
      request.user = 'alice';
      return true;
    }
  }

  @UseGuards(AuthGuard)
  @Controller('page')
  class Page {
    @Get()
    show(): string {
      return 'page';
    }
  }

  it.each([
    ['without a token', {}],
    ['with a wrong token', { authorization: 'Bearer mallory' }],
  ])('refuses an endpoint as it refuses a controller, %s', async (_how, headers) => {
    const app = await guardedBy([AuthGuard], { controllers: [Page] });
    const page = await app.fetch('/page', { headers });
    const refused = await app.connect('/ws/guarded', { headers }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: page.status, body: await page.text() });
  });

  it('lets its messages pass, whose client answers for the request', async () => {
    const app = await guardedBy([AuthGuard]);
    const client = await app.connect('/ws/guarded', { headers: { authorization: 'Bearer alice' } });
    void client.send({ event: 'say', data: 'hello' });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'said hello' });
  });
});

describe('a guard on a message', () => {
  it('sees the connection, the data and the event in a ws context', async () => {
    const seen: ExecutionContext[] = [];
    const app = await guardedBy([guard((context) => isHandshake(context) || seen.push(context) > 0)]);
    const client = await app.connect('/ws/guarded');
    void client.send({ event: 'say', data: 'hello' });
    await client.next();
    const [context] = seen;
    const [connection] = app.registry;
    expect(context?.getType()).toBe('ws');
    expect(context?.switchToWs().getClient()).toBe(connection);
    expect(context?.switchToWs().getData()).toBe('hello');
    expect(context?.switchToWs().getPattern()).toBe('say');
    expect(context?.getHandler().name).toBe('say');
    expect(context !== undefined && isPlackContext(context)).toBe(true);
  });

  it.each<[string, () => Answer, unknown]>([
    ['says no', () => false, { code: 'forbidden', message: 'Forbidden resource' }],
    ['says no later', async () => false, { code: 'forbidden', message: 'Forbidden resource' }],
    ['says no as an Observable', () => of(false), { code: 'forbidden', message: 'Forbidden resource' }],
    [
      'throws a WsException',
      () => {
        throw new WsException('not now');
      },
      { code: 'exception', message: 'not now' },
    ],
    [
      'rejects with an HttpException',
      () => Promise.reject(new UnauthorizedException('log in again')),
      { code: 'unauthorized', message: 'log in again' },
    ],
  ])('that %s answers with an error that has the id, and the connection stays', async (_how, answer, data) => {
    let asked = 0;
    const app = await guardedBy([guard((context) => isHandshake(context) || asked++ > 0 || answer())]);
    const client = await app.connect('/ws/guarded');
    void client.send({ event: 'say', data: 'no', id: 7 });
    expect(await client.nextJson()).toEqual({ event: 'error', id: 7, data });
    void client.send({ event: 'say', data: 'yes', id: 8 });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'said yes', id: 8 });
    expect(happened.entries).toEqual(['enter', 'say yes']);
  });

  it('that waits keeps the messages in order', async () => {
    const gate = new Gate<boolean>();
    let asked = 0;
    const app = await guardedBy([guard((context) => isHandshake(context) || (asked++ === 0 ? gate.opened : true))]);
    const client = await app.connect('/ws/guarded');
    void client.send({ event: 'say', data: 'one' });
    await client.send({ event: 'say', data: 'two' });
    gate.open(true);
    expect([await client.nextJson(), await client.nextJson()]).toEqual([
      { event: 'say', data: 'said one' },
      { event: 'say', data: 'said two' },
    ]);
  });
});

it('no guard keeps @OnFinish from running', async () => {
  let open = true;
  const app = await guardedBy([guard(() => open)], {
    configure: (nest) => nest.useGlobalGuards(guard(() => open)),
  });
  const client = await app.connect('/ws/guarded');
  open = false;
  await client.close();
  expect(await happened.reached(2)).toEqual(['enter', 'leave']);
});
