import { describe, expect, it } from '@jest/globals';
import { UseGuards, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
  type HandshakeHook,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const EXPIRED = { code: 4401, reason: 'authentication expired', clean: true };
const DAY_MS = 24 * 60 * 60 * 1000;

interface Scene {
  readonly app: StartedApp;
  readonly established: Journal<Connection>;
  readonly finished: Journal<FinishInfo>;
}

async function boot(handshake: HandshakeHook, guard?: Type<CanActivate>): Promise<Scene> {
  const established = new Journal<Connection>();
  const finished = new Journal<FinishInfo>();
  class Session {
    @OnEstablish()
    enter(connection: Connection): void {
      established.add(connection);
    }

    @OnMessage()
    say(connection: Connection, message: string): string {
      if (message === 'refresh') connection.reauthenticate(Date.now() + DAY_MS);
      if (message === 'for ever') connection.reauthenticate(undefined);
      return message;
    }

    @OnFinish()
    leave(_connection: Connection, end: FinishInfo): void {
      finished.add(end);
    }
  }
  WsEndpoint('session')(Session);
  if (guard !== undefined) UseGuards(guard)(Session);
  return { app: await startApp({ endpoints: [Session], options: { handshake } }), established, finished };
}

const until = (expiresAt: () => Date | number | undefined): HandshakeHook => {
  return (_context, response) => void (response.expiresAt = expiresAt());
};

describe('the end of a login', () => {
  it.each<[string, (inMs: number) => Date | number]>([
    ['a number', (inMs) => Date.now() + inMs],
    ['a Date', (inMs) => new Date(Date.now() + inMs)],
  ])('that the hook gives as %s closes with 4401 then, not before', async (_form, at) => {
    const scene = await boot(until(() => at(300)));
    const client = await scene.app.connect('/ws/session');
    const { expiresAt } = await scene.established.next();
    expect(expiresAt).toBeGreaterThan(Date.now());
    expect(await client.closed()).toEqual(EXPIRED);
    expect(Date.now()).toBeGreaterThanOrEqual((expiresAt ?? 0) - 2);
    expect(Date.now() - (expiresAt ?? 0)).toBeLessThan(2000);
    expect(await scene.finished.next()).toMatchObject({ ...EXPIRED, initiator: 'limit' });
  });

  it('that a guard sets on the context counts as well, the one of the hook first', async () => {
    class Token implements CanActivate {
      canActivate(host: ExecutionContext): boolean {
        for (const context of contexts) context.expiresAt = Date.now() + 300;
        return host.getType() === 'http';
      }
    }
    const contexts: RequestContext[] = [];
    const scene = await boot((context, response) => {
      contexts.push(context);
      if (context.query['long'] !== undefined) response.expiresAt = Date.now() + DAY_MS;
    }, Token);
    const [short] = [await scene.app.connect('/ws/session'), await scene.app.connect('/ws/session?long')];
    expect(await short.closed()).toEqual(EXPIRED);
    const [, long] = await scene.established.reached(2);
    expect(long?.state).toBe('open');
    expect(long?.expiresAt).toBeGreaterThan(Date.now() + DAY_MS / 2);
  });

  it('may be further away than any timer counts: nobody is closed at once', async () => {
    const scene = await boot(until(() => Date.now() + 400 * DAY_MS));
    const client = await scene.app.connect('/ws/session');
    // A delay of more than 24.8 days would fire after one millisecond.
    for (let turn = 0; turn < 50; turn++) {
      await client.send('still here');
      expect(await client.next()).toBe('still here');
    }
    expect(scene.finished.entries).toEqual([]);
  });

  it('that is over already refuses with 401', async () => {
    for (const at of [Date.now() - 1, 0, new Date(1)]) {
      const scene = await boot(until(() => at));
      await expect(scene.app.connect('/ws/session')).rejects.toMatchObject({ status: 401 });
      expect(scene.established.entries).toEqual([]);
    }
  });

  it.each([Number.NaN, Infinity, 'tomorrow', new Date('never')])(
    'that is no time (%p) refuses with 500',
    async (at) => {
      const scene = await boot(until(() => at as number));
      await expect(scene.app.connect('/ws/session')).rejects.toMatchObject({ status: 500 });
      expect(scene.app.logs.at('error')).toHaveLength(1);
    },
  );

  it.each(['refresh', 'for ever'])('is moved by reauthenticate: %s', async (word) => {
    const lifetimeMs = 400;
    const scene = await boot(until(() => Date.now() + lifetimeMs));
    const renewed = await scene.app.connect('/ws/session');
    await renewed.send(word);
    await renewed.next();
    // A login of the same length that began later ends: the first one would be over by now.
    const clock = await scene.app.connect('/ws/session');
    expect(await clock.closed()).toEqual(EXPIRED);
    await renewed.send('still here');
    expect(await renewed.next()).toBe('still here');
    const [connection] = scene.established.entries;
    expect(connection?.expiresAt).toEqual(word === 'refresh' ? expect.any(Number) : undefined);
  });

  it('can be moved to now: it closes at once', async () => {
    const scene = await boot(until(() => Date.now() + DAY_MS));
    const client = await scene.app.connect('/ws/session');
    const connection = await scene.established.next();
    expect(() => connection.reauthenticate(Number.NaN)).toThrow(TypeError);
    connection.reauthenticate(new Date());
    expect(await client.closed()).toEqual(EXPIRED);
  });

  it('of a connection that is over changes nothing', async () => {
    const scene = await boot(until(() => Date.now() + 100));
    const client = await scene.app.connect('/ws/session');
    const connection = await scene.established.next();
    await client.close(1000);
    expect(await scene.finished.next()).toMatchObject({ code: 1000 });
    connection.reauthenticate(Date.now() + 10);
    const clock = await scene.app.connect('/ws/session');
    await clock.closed();
    expect(await scene.finished.next()).toMatchObject({ code: 4401 });
    expect(scene.finished.entries).toHaveLength(2);
  });
});
