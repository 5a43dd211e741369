import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, Injectable, UnauthorizedException, type Type } from '@nestjs/common';
import {
  Connection,
  OnEstablish,
  RequestContext,
  WsEndpoint,
  type HandshakeDecision,
  type HandshakeHook,
  type HandshakeResponse,
  type PlackWebSocketModuleOptions,
  type WsEndpointOptions,
} from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/** An application with one endpoint on /ws/own that tells the results of its handshake. */
function boot(
  own: WsEndpointOptions['handshake'],
  handshake: PlackWebSocketModuleOptions['handshake'],
  providers: Type[] = [],
): Promise<StartedApp> {
  @WsEndpoint({ path: 'own', serializer: 'json', ...(own === undefined ? {} : { handshake: own }) })
  class Own {
    @OnEstablish()
    enter(connection: Connection): void {
      void connection.send(connection.context.results);
    }
  }
  const options = handshake === undefined ? {} : { handshake };
  return startApp({ endpoints: [Own], options, providers });
}

async function resultsOf(app: StartedApp, query: Record<string, string> = {}): Promise<unknown> {
  return (await app.connect('/ws/own', { query })).nextJson();
}

const accepting =
  (...results: unknown[]): HandshakeHook =>
  (_context, response) => [response, ...results];

const later =
  (hook: HandshakeHook): HandshakeHook =>
  async (context, response) => {
    await Promise.resolve();
    return hook(context, response);
  };

describe('with a hook on the module and one on the endpoint', () => {
  it('both run, the module first, on the same request and response', async () => {
    const order: string[] = [];
    const app = await boot(
      ({ user }, response) => {
        order.push(`endpoint of ${String(user)}`);
        response.appendHeader('X-Seen', 'endpoint');
      },
      async (context, response) => {
        await Promise.resolve();
        order.push('module');
        context.user = 'ada';
        response.appendHeader('X-Seen', 'module');
      },
    );
    const client = await app.connect('/ws/own');
    expect(order).toEqual(['module', 'endpoint of ada']);
    expect(client.headers['x-seen']).toBe('module, endpoint');
  });

  it.each<[string, HandshakeHook, HandshakeHook, unknown[]]>([
    ['both give some', accepting('a', 'b'), accepting(1, 2), ['a', 'b', 1, 2]],
    ['both take their time', later(accepting('a')), later(accepting(1)), ['a', 1]],
    ['the module alone gives some', () => undefined, accepting(1), [1]],
    ['the endpoint alone gives some', accepting('a'), (_context, response) => response, ['a']],
    ['neither does', () => undefined, () => undefined, []],
  ])('the results are those of the endpoint, then those of the module: %s', async (_what, own, module, expected) => {
    expect(await resultsOf(await boot(own, module))).toEqual(expected);
  });

  it.each<[string, HandshakeHook, number]>([
    ['a reply', () => ({ status: 409 }), 409],
    ['a reply that takes its time', later(() => ({ status: 409 })), 409],
    ['a raw response', () => 'HTTP/1.1 418 I am a teapot\r\nConnection: close\r\n\r\n', 418],
    [
      'an exception',
      () => {
        throw new UnauthorizedException();
      },
      401,
    ],
    ['a rejection', () => Promise.reject(new ForbiddenException()), 403],
  ])('a refusal of the module by %s stands, and the endpoint is not asked', async (_what, refuse, status) => {
    let asked = 0;
    const app = await boot(() => void asked++, refuse);
    await expect(app.connect('/ws/own')).rejects.toMatchObject({ status });
    expect(asked).toBe(0);
  });

  it('the endpoint refuses whom the module took', async () => {
    const app = await boot(
      () => ({ status: 410 }),
      () => undefined,
    );
    await expect(app.connect('/ws/own')).rejects.toMatchObject({ status: 410 });
  });

  it.each<[string, number, number]>([
    ['module', 100, 60_000],
    ['endpoint', 60_000, 100],
  ])('the earlier end of a login counts, here that of the %s', async (_which, moduleMs, endpointMs) => {
    const app = await boot(
      (_context, response) => void (response.expiresAt = new Date(Date.now() + endpointMs)),
      (_context, response) => void (response.expiresAt = Date.now() + moduleMs),
    );
    const client = await app.connect('/ws/own');
    expect((await client.closed()).code).toBe(4401);
  });

  it.each<[string, unknown, unknown]>([
    ['module', Number.NaN, Date.now() + 60_000],
    ['endpoint', Date.now() + 60_000, Number.NaN],
  ])('an end of a login that cannot be read is a fault, here that of the %s', async (_which, module, own) => {
    const app = await boot(
      (_context, response) => void (response.expiresAt = own as number),
      (_context, response) => void (response.expiresAt = module as number),
    );
    await expect(app.connect('/ws/own')).rejects.toMatchObject({ status: 500 });
  });
});

describe('with { replace } on the endpoint', () => {
  it('the hook of the module is left out', async () => {
    let asked = 0;
    const app = await boot({ replace: accepting('a') }, () => {
      asked++;
      return { status: 403 };
    });
    expect(await resultsOf(app)).toEqual(['a']);
    expect(asked).toBe(0);
  });

  it('a class is built as it is without it', async () => {
    @Injectable()
    class Tickets {
      handshake({ query }: RequestContext, response: HandshakeResponse): HandshakeDecision {
        return query['ticket'] === '1' ? [response, 'ticket'] : { status: 402 };
      }
    }
    const app = await boot({ replace: Tickets }, () => ({ status: 403 }), [Tickets]);
    expect(await resultsOf(app, { ticket: '1' })).toEqual(['ticket']);
    await expect(app.connect('/ws/own')).rejects.toMatchObject({ status: 402 });
  });
});

it('a class on the module is built once for all endpoints', async () => {
  const instances = new Set<unknown>();
  class Counting {
    handshake(): void {
      instances.add(this);
    }
  }
  @WsEndpoint('other')
  class Other {
    @OnEstablish()
    enter(): void {}
  }
  @WsEndpoint('third')
  class Third {
    @OnEstablish()
    enter(): void {}
  }
  const app = await startApp({ endpoints: [Other, Third], options: { handshake: Counting } });
  await app.connect('/ws/other');
  await app.connect('/ws/third');
  expect(instances.size).toBe(1);
});
