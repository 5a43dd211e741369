import { beforeEach, describe, expect, it } from '@jest/globals';
import { ForbiddenException, HttpException, Inject, Injectable } from '@nestjs/common';
import {
  OnEstablish,
  RequestContext,
  WsEndpoint,
  type ErrorHook,
  type ErrorOption,
  type HandshakeHook,
  type HttpReply,
  type UpgradeFailure,
} from '../../src/index.js';
import { Gate } from '../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

describe('onError', () => {
  let failures: UpgradeFailure[];
  beforeEach(() => {
    failures = [];
  });

  /** An application whose only endpoint refuses everybody. */
  async function answeredBy(
    onError: ErrorOption,
    handshake: HandshakeHook = refuse,
    rest: AppSpec = {},
  ): Promise<StartedApp> {
    @WsEndpoint('rooms/:room')
    class Room {
      @OnEstablish()
      enter(): void {}
    }
    return startApp({ ...rest, endpoints: [Room], options: { handshake, onError } });
  }

  const boom = new Error('boom');
  function refuse(): never {
    throw boom;
  }

  it('is told the error, its status, its cause and the request', async () => {
    const app = await answeredBy((failure) => void failures.push(failure));
    await expect(app.connect('/ws/rooms/5?x=1')).rejects.toMatchObject({ status: 400 });
    expect(failures).toEqual([
      { error: 'invalid request', status: 400, cause: boom, context: expect.any(RequestContext) },
    ]);
    expect(failures[0]?.cause).toBe(boom);
    expect(failures[0]?.context).toMatchObject({ url: '/ws/rooms/5?x=1', path: '/ws/rooms/5', params: { room: '5' } });
  });

  it.each([undefined, null, '', 0])('keeps what was thrown, also %p, as the cause', async (thrown) => {
    const app = await answeredBy(
      (failure) => void failures.push(failure),
      () => {
        throw thrown;
      },
    );
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({ status: 400 });
    expect(failures).toMatchObject([{ error: 'invalid request', cause: thrown }]);
  });

  it('is told the status of an HttpException', async () => {
    const exception = new ForbiddenException('no');
    const app = await answeredBy(
      (failure) => void failures.push(failure),
      async () => {
        throw exception;
      },
    );
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({ status: 403 });
    expect(failures).toMatchObject([{ error: 'forbidden', status: 403 }]);
    expect(failures[0]?.cause).toBe(exception);
  });

  it('is told what was wrong with the return of a hook', async () => {
    const app = await answeredBy(
      (failure) => void failures.push(failure),
      (): never => '' as never,
    );
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({ status: 500 });
    expect(failures).toMatchObject([{ error: 'internal error', status: 500, cause: expect.any(TypeError) }]);
  });

  it('is not asked about a refusal that the hook wrote itself', async () => {
    const app = await answeredBy(
      (failure) => void failures.push(failure),
      () => ({ status: 402 }),
    );
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({ status: 402 });
    expect(failures).toEqual([]);
  });

  it.each<[string, ErrorHook]>([
    ['at once', () => ({ status: 418, headers: { 'X-Err': 'own' }, body: 'teapot' })],
    ['later', async () => ({ status: 418, headers: { 'X-Err': 'own' }, body: 'teapot' })],
  ])('answers %s with a status, headers and body of its own', async (_when, onError) => {
    const app = await answeredBy(onError);
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({
      status: 418,
      body: 'teapot',
      headers: expect.objectContaining({ 'x-err': 'own' }),
    });
  });

  it('is a class with what is injected', async () => {
    @Injectable()
    class Words {
      readonly forStatus = (status: number): string => `sorry (${status})`;
    }
    @Injectable()
    class PoliteErrors {
      constructor(@Inject(Words) private readonly words: Words) {}

      onError({ status }: UpgradeFailure): HttpReply {
        return { status, body: this.words.forStatus(status) };
      }
    }
    const app = await answeredBy(PoliteErrors, refuse, { providers: [Words, PoliteErrors] });
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({ status: 400, body: 'sorry (400)' });
  });

  describe('gives way to the default answer and the log', () => {
    it.each<[string, unknown]>([
      [
        'when it throws',
        () => {
          throw new Error('broken hook');
        },
      ],
      [
        'when it throws nothing',
        () => {
          throw undefined;
        },
      ],
      ['when it rejects', () => Promise.reject(new Error('broken hook'))],
      ['for a text', () => 'garbage'],
      ['for a number', async () => 404],
      ['for an object without a status', () => ({ body: 'x' })],
      ['for a status that HTTP does not have', () => ({ status: 999 })],
      ['for an informational status', () => ({ status: 101 })],
      ['for a header that would break the answer', () => ({ status: 200, headers: { 'X-A': 'a\r\nX-B: b' } })],
      ['for a body that JSON cannot carry', () => ({ status: 200, body: { big: 1n } })],
    ])('%s', async (_what, onError) => {
      const app = await answeredBy(onError as ErrorHook);
      const refused = await app.connect('/ws/rooms/5').catch((error: unknown) => error);
      expect(refused).toMatchObject({
        status: 400,
        body: '{"statusCode":400,"message":"invalid request","error":"Bad Request"}',
        headers: expect.not.objectContaining({ 'x-b': 'b' }),
      });
      expect(app.logs.at('error')).toEqual([expect.stringContaining('onError')]);
    });
  });

  it.each<[string, HttpException]>([
    ['an informational status', new HttpException('secret', 101)],
    ['a status that HTTP does not have', new HttpException('secret', 1000)],
    ['a status that is no number', new HttpException('secret', 'teapot' as never)],
    ['a body that JSON cannot carry', new HttpException({ secret: 1n }, 403)],
  ])('has a default answer, 500, for an HttpException with %s', async (_what, exception) => {
    const app = await answeredBy(
      () => undefined,
      () => {
        throw exception;
      },
    );
    const peer = await app.peer();
    const answer = await peer.upgrade({ path: '/ws/rooms/5' });
    expect(answer).toMatchObject({ status: 500, statusText: 'Internal Server Error' });
    expect(answer.body).not.toContain('secret');
    expect(app.logs.at('error')).toHaveLength(1);
  });

  it('does no harm when the client leaves while it thinks', async () => {
    const asked = new Gate();
    const answer = new Gate<HttpReply>();
    const app = await answeredBy(({ context }) => {
      asked.open();
      return context.query['slow'] === '1' ? answer.opened : undefined;
    });
    const peer = await app.peer();
    await peer.writeRaw('GET /ws/rooms/5?slow=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n');
    await peer.writeRaw('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await asked.opened;
    peer.reset();
    answer.open({ status: 418, body: 'too late' });
    await expect(app.connect('/ws/rooms/5')).rejects.toMatchObject({ status: 400 });
    expect(app.logs.at('error')).toEqual([]);
  });
});
