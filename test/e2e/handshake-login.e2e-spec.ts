import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, ServiceUnavailableException } from '@nestjs/common';
import {
  OnEstablish,
  RequestContext,
  WsEndpoint,
  type LoginHook,
  type LoginOption,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

describe('login', () => {
  async function loginBy(
    login: LoginOption,
    options: PlackWebSocketModuleOptions = {},
    rest: AppSpec = {},
  ): Promise<StartedApp> {
    @WsEndpoint('inside')
    class Inside {
      @OnEstablish()
      enter(): void {}
    }
    return startApp({ ...rest, endpoints: [Inside], options: { ...options, login } });
  }

  it.each<[string, LoginHook]>([
    ['true', () => true],
    ['a promise of true', async () => true],
  ])('lets in by %s', async (_what, login) => {
    const app = await loginBy(login);
    const client = await app.connect('/ws/inside');
    expect(client.state).toBe('open');
    expect(app.registry.size).toBe(1);
  });

  it('sees the request before the 101', async () => {
    const app = await loginBy(({ query, cookies }) => query['token'] === 'q' || cookies['token'] === 'c');
    await app.connect('/ws/inside?token=q');
    await app.connect('/ws/inside', { headers: { cookie: 'token=c' } });
    await expect(app.connect('/ws/inside')).rejects.toMatchObject({ status: 401 });
    expect(app.registry.size).toBe(2);
  });

  it.each<[string, unknown]>([
    ['false', () => false],
    ['a promise of false', async () => false],
    ['a forgotten return', () => undefined],
    ['a promise of nothing', async () => undefined],
    ['a truthy value that is not true', () => 'yes'],
    ['1', () => 1],
  ])('refuses with 401 by %s', async (_what, login) => {
    const app = await loginBy(login as LoginHook);
    const refused = await app.connect('/ws/inside').catch((error: unknown) => error);
    expect(refused).toMatchObject({
      status: 401,
      body: '{"statusCode":401,"message":"unauthorized","error":"Unauthorized"}',
    });
    expect(app.registry.size).toBe(0);
    expect(app.logs.problems).toEqual([]);
  });

  it.each<[string, LoginHook, number]>([
    [
      'an error',
      () => {
        throw new Error('secret');
      },
      400,
    ],
    [
      'a throw of nothing',
      async () => {
        throw undefined;
      },
      400,
    ],
    ['an HttpException', () => Promise.reject(new ServiceUnavailableException('no database')), 503],
  ])('refuses by %s as the handshake hook would', async (_what, login, status) => {
    const app = await loginBy(login);
    const refused = await app.connect('/ws/inside').catch((error: unknown) => error);
    expect(refused).toMatchObject({ status, body: expect.not.stringContaining('secret') });
  });

  it('is a class with what is injected', async () => {
    @Injectable()
    class Accounts {
      readonly known = new Set(['alice']);
    }
    @Injectable()
    class AccountLogin {
      constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

      login(context: RequestContext): boolean {
        return this.accounts.known.has(String(context.query['name']));
      }
    }
    const app = await loginBy(AccountLogin, {}, { providers: [Accounts, AccountLogin] });
    await app.connect('/ws/inside?name=alice');
    await expect(app.connect('/ws/inside?name=bob')).rejects.toMatchObject({ status: 401 });
  });

  it('is asked after the origin and before the hook', async () => {
    const asked = new Journal();
    const app = await loginBy(
      ({ query }) => {
        asked.add('login');
        return query['in'] === '1';
      },
      { handshake: () => asked.add('handshake'), origin: ['https://app.example'] },
    );
    await expect(app.connect('/ws/inside', { origin: 'https://evil.example' })).rejects.toMatchObject({ status: 403 });
    expect(asked.entries).toEqual([]);
    await expect(app.connect('/ws/inside')).rejects.toMatchObject({ status: 401 });
    expect(asked.entries).toEqual(['login']);
    await app.connect('/ws/inside?in=1');
    expect(asked.entries).toEqual(['login', 'login', 'handshake']);
  });
});
