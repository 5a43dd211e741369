import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Catch,
  ForbiddenException,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { OnEstablish, WsEndpoint, type PlackWebSocketModuleOptions, type UpgradeMiddleware } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { upgradeRequest, type HttpAnswer } from '../support/raw-http.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

type Response = ServerResponse & { locals: Record<string, unknown> };

/** Sets what a refusal has to say beside its status, and refuses. */
let refuse: (response: Response) => boolean;

class Guard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    return refuse(host.switchToHttp().getResponse<Response>());
  }
}

@UseGuards(Guard)
@WsEndpoint('guarded')
class Guarded {
  @OnEstablish()
  enter(): void {}
}

@WsEndpoint('open')
class Open {
  @OnEstablish()
  enter(): void {}
}

function boot(options: PlackWebSocketModuleOptions = {}, spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ endpoints: [Guarded, Open], options, ...spec });
}

async function answerOf(app: StartedApp, path = '/ws/open'): Promise<HttpAnswer> {
  return (await app.peer()).upgrade({ path });
}

/** As `http-errors` makes it. */
function httpError(statusCode: number, message = 'no', more: object = {}): Error {
  return Object.assign(new Error(message), { status: statusCode, statusCode, expose: true }, more);
}

/** All values of a header, in their order. */
function valuesOf({ rawHeaders }: HttpAnswer, name: string): string[] {
  return rawHeaders.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

function setAll(response: Response): void {
  response.setHeader('Retry-After', '7');
  response.setHeader('WWW-Authenticate', 'Bearer realm="crew"');
  response.setHeader('Set-Cookie', ['a=1', 'b=2; Path=/']);
  response.setHeader('Content-Security-Policy', "default-src 'none'");
  response.setHeader('Content-Type', 'text/html');
  response.setHeader('Content-Length', '1');
}

/** What a peer has got of them; the body is that of the refusal, and its framing with it. */
function whatLeft(answer: HttpAnswer): object {
  const { statusCode } = JSON.parse(answer.body) as { statusCode: number };
  const names = ['retry-after', 'www-authenticate', 'set-cookie', 'content-security-policy', 'content-type'];
  return { statusCode, headers: names.map((name) => valuesOf(answer, name)) };
}

function all(statusCode: number): object {
  return {
    statusCode,
    headers: [
      ['7'],
      ['Bearer realm="crew"'],
      ['a=1', 'b=2; Path=/'],
      ["default-src 'none'"],
      ['application/json; charset=utf-8'],
    ],
  };
}

describe('headers that were set before a refusal leave with it:', () => {
  it.each<[string, () => boolean, number]>([
    ['by a guard that answers false', () => false, 403],
    [
      'by a guard that throws an HttpException',
      () => {
        throw new UnauthorizedException();
      },
      401,
    ],
    [
      'by a guard that fails',
      () => {
        throw new Error('no');
      },
      500,
    ],
  ])('%s', async (_what, end, status) => {
    refuse = (response) => {
      setAll(response);
      return end();
    };
    expect(whatLeft(await answerOf(await boot(), '/ws/guarded'))).toEqual(all(status));
  });

  it.each<[string, (next: (error?: unknown) => void) => void, number]>([
    ['an HttpException', (next) => next(new ForbiddenException()), 403],
    ['an error', (next) => next(new Error('no')), 500],
    ['an error of http-errors', (next) => next(httpError(429)), 429],
  ])('by middleware that gives %s to next', async (_what, fail, status) => {
    const middleware: UpgradeMiddleware = (_request: unknown, response: Response, next: (error?: unknown) => void) => {
      setAll(response);
      fail(next);
    };
    expect(whatLeft(await answerOf(await boot({ middleware: [middleware] })))).toEqual(all(status));
  });

  it('by middleware before a login that says no', async () => {
    const middleware: UpgradeMiddleware = (_request: unknown, response: Response, next: () => void) => {
      setAll(response);
      next();
    };
    expect(whatLeft(await answerOf(await boot({ middleware: [middleware], login: () => false })))).toEqual(all(401));
  });

  it.each<[string, NonNullable<PlackWebSocketModuleOptions['handshake']>, number]>([
    [
      'throws',
      (_context, response) => {
        response.setHeader('Retry-After', 7).setCookie('a', '1');
        throw new UnauthorizedException();
      },
      401,
    ],
    [
      'gives a reply',
      (_context, response) => {
        response.setHeader('Retry-After', 7).setCookie('a', '1');
        return { status: 418, headers: { 'Set-Cookie': 'b=2' } };
      },
      418,
    ],
  ])('by a hook that %s', async (_what, handshake, status) => {
    const answer = await answerOf(await boot({ handshake }));
    expect(answer.status).toBe(status);
    expect(valuesOf(answer, 'retry-after')).toEqual(['7']);
    expect(valuesOf(answer, 'set-cookie')).toEqual(status === 418 ? ['b=2', 'a=1'] : ['a=1']);
  });

  it('where the answer has one of the same name, that one counts', async () => {
    refuse = (response) => {
      response.setHeader('Retry-After', '7');
      return false;
    };
    const onError = (): object => ({ status: 503, headers: { 'retry-after': '9' } });
    const answer = await answerOf(await boot({ onError } as PlackWebSocketModuleOptions), '/ws/guarded');
    expect([answer.status, valuesOf(answer, 'retry-after')]).toEqual([503, ['9']]);
  });

  it('once, where an exception filter writes the answer', async () => {
    @Catch()
    class Tea implements ExceptionFilter {
      catch(_error: unknown, host: Parameters<ExceptionFilter['catch']>[1]): void {
        host.switchToHttp().getResponse<Response>().writeHead(418, { 'X-Why': 'tea' }).end();
      }
    }
    refuse = (response) => {
      response.setHeader('Set-Cookie', 'a=1');
      return false;
    };
    const app = await boot({}, { configure: (nest) => nest.useGlobalFilters(new Tea()) });
    const answer = await answerOf(app, '/ws/guarded');
    expect([answer.status, valuesOf(answer, 'set-cookie'), valuesOf(answer, 'x-why')]).toEqual([418, ['a=1'], ['tea']]);
  });

  it('those of an error of http-errors, from middleware and from a guard', async () => {
    const limited = (): Error => httpError(429, 'slow down', { headers: { 'Retry-After': '7' } });
    refuse = () => {
      throw limited();
    };
    const middleware: UpgradeMiddleware = (_request: unknown, _response: unknown, next: (error: unknown) => void) =>
      next(limited());
    const byMiddleware = await answerOf(await boot({ middleware: [middleware] }));
    const byGuard = await answerOf(await boot(), '/ws/guarded');
    for (const answer of [byMiddleware, byGuard]) {
      expect([answer.status, valuesOf(answer, 'retry-after')]).toEqual([429, ['7']]);
      expect(answer.body).not.toContain('slow down');
    }
  });
});

describe('the response that middleware sees ends with the status of the answer,', () => {
  let ends: Journal<[event: string, status: number]>;
  beforeEach(() => {
    ends = new Journal();
  });

  /** As access logs do it. */
  const accessLog: UpgradeMiddleware = (_request: IncomingMessage, response: Response, next: () => void) => {
    response.once('finish', () => ends.add(['finish', response.statusCode]));
    response.once('close', () => ends.add(['close', response.statusCode]));
    next();
  };

  it.each<[string, PlackWebSocketModuleOptions, number]>([
    ['when it is accepted', {}, 101],
    ['when login says no', { login: () => false }, 401],
    [
      'when the hook throws',
      {
        handshake: () => {
          throw new Error('no');
        },
      },
      400,
    ],
    ['when the hook gives a reply', { handshake: () => ({ status: 418 }) }, 418],
    [
      'when the hook gives a raw response',
      { handshake: () => 'HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n' },
      409,
    ],
    ['when onError changes it', { login: () => false, onError: () => ({ status: 404 }) }, 404],
    ['when it takes too long', { handshakeTimeoutMs: 20, handshake: () => new Promise<void>(() => undefined) }, 408],
  ])('%s', async (_what, options, status) => {
    const app = await boot({ ...options, middleware: [accessLog] });
    expect((await answerOf(app)).status).toBe(status);
    expect(await ends.next()).toEqual(['finish', status]);
    expect(ends.entries).toHaveLength(1);
  });

  it('when a guard says no, or fails', async () => {
    const app = await boot({ middleware: [accessLog] });
    refuse = () => false;
    await answerOf(app, '/ws/guarded');
    refuse = () => {
      throw new Error('no');
    };
    await answerOf(app, '/ws/guarded');
    expect(await ends.reached(2)).toEqual([
      ['finish', 403],
      ['finish', 500],
    ]);
  });

  it('and closes without a finish when the client leaves before', async () => {
    const asked = new Journal();
    const gate = new Gate();
    const app = await boot({
      middleware: [accessLog],
      handshake: () => {
        asked.add('hook');
        return gate.opened;
      },
    });
    const peer = await app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/open' }));
    await asked.next();
    peer.reset();
    expect(await ends.next()).toEqual(['close', 200]);
    gate.open();
    await app.app.close();
    expect(ends.entries).toHaveLength(1);
  });
});

describe('a fault of middleware', () => {
  it.each<[string, UpgradeMiddleware]>([
    [
      'given to next',
      (_request: unknown, _response: unknown, next: (error: unknown) => void) => next(new Error('store down')),
    ],
    ['rejected with', () => Promise.reject(new Error('store down'))],
  ])('is 500, and the log has its stack: %s', async (_what, middleware) => {
    const app = await boot({ middleware: [middleware] });
    const { status, body } = await answerOf(app);
    expect([status, JSON.parse(body)]).toEqual([
      500,
      { statusCode: 500, message: 'internal error', error: 'Internal Server Error' },
    ]);
    expect(app.logs.at('error')).toEqual([expect.stringMatching(/store down.*refusal-headers\.e2e-spec/s)]);
    expect(app.logs.at('warn')).toEqual([]);
  });
});
