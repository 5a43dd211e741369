import { once } from 'node:events';
import { connect as connectHttp2, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { OnMessage, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';

import { certificate } from '../support/certificate.js';
import { connect } from '../support/connect.js';
import { LogRecorder } from '../support/log-recorder.js';
import { afterTest, rootModule } from '../support/start-app.js';

@WsEndpoint('e')
class Echo {
  @OnMessage()
  echo(_connection: unknown, text: string): string {
    return text;
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function startHttp2(
  fastify: Record<string, unknown>,
  options: PlackWebSocketModuleOptions = {},
): Promise<{ app: INestApplication<Server>; logs: LogRecorder; port: number }> {
  const logs = new LogRecorder();
  const app = await NestFactory.create<INestApplication<Server>>(
    rootModule({ endpoints: [Echo], options }),
    new FastifyAdapter({ http2: true, ...fastify } as never),
    { logger: logs, abortOnError: false },
  );
  afterTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  return { app, logs, port: (app.getHttpServer().address() as AddressInfo).port };
}

async function openHttp2(url: string): Promise<ClientHttp2Session> {
  const session = connectHttp2(url, { ca: certificate.cert });
  afterTest(() => session.destroy());
  await once(session, 'connect');
  return session;
}

async function get(session: ClientHttp2Session, headers: Record<string, string>): Promise<Answer> {
  const stream = session.request(headers);
  const [answered] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk);
  return { status: Number(answered[constants.HTTP2_HEADER_STATUS]), headers: answered, body };
}

const servers: readonly (readonly [name: string, scheme: string, fastify: Record<string, unknown>])[] = [
  ['h2c', 'http', {}],
  ['h2', 'https', { https: certificate }],
  ['h2 beside HTTP/1.1', 'https', { https: { ...certificate, allowHTTP1: true } }],
];

describe.each(servers)('a plain request over %s on the path of an endpoint', (_name, scheme, fastify) => {
  it('is answered 426 without headers of an HTTP/1.1 connection, again and again (RFC 9113 §8.2.2)', async () => {
    const { port, logs } = await startHttp2(fastify);
    const session = await openHttp2(`${scheme}://localhost:${port}`);
    for (const headers of [{ ':path': '/ws/e' }, { ':path': '/ws/e' }]) {
      const answer = await get(session, headers);
      expect(answer.status).toBe(426);
      expect(answer.headers).not.toHaveProperty('upgrade');
      expect(answer.headers).not.toHaveProperty('connection');
      expect(answer.headers['sec-websocket-version']).toBe('13');
      expect(JSON.parse(answer.body)).toMatchObject({ statusCode: 426 });
    }
    const post = await get(session, { ':path': '/ws/e', ':method': 'POST' });
    expect(post.status).toBe(405);
    expect(post.headers['allow']).toBe('GET');
    expect(logs.problems).toEqual([]);
  });

  it('is answered without what an onError sets for HTTP/1.1 alone', async () => {
    const reply = { status: 418, headers: { Upgrade: 'tea', 'Keep-Alive': 'timeout=5', 'X-Pot': 'short' }, body: 'no' };
    const { port, logs } = await startHttp2(fastify, { onError: () => reply });
    const session = await openHttp2(`${scheme}://localhost:${port}`);
    const answer = await get(session, { ':path': '/ws/e' });
    expect(answer).toMatchObject({ status: 418, headers: { 'x-pot': 'short' }, body: 'no' });
    expect(answer.headers).not.toHaveProperty('upgrade');
    expect(logs.problems).toEqual([]);
  });

  it('whose client leaves before an answer is there harms no later one', async () => {
    let answerFirst = (): void => undefined;
    const first = new Promise<void>((resolve) => (answerFirst = resolve));
    let asked = (): void => undefined;
    const askedOnce = new Promise<void>((resolve) => (asked = resolve));
    let count = 0;
    const { port, logs } = await startHttp2(fastify, {
      onError: async () => {
        if (count++ > 0) return undefined;
        asked();
        await first;
        return undefined;
      },
    });
    const leaving = await openHttp2(`${scheme}://localhost:${port}`);
    leaving.request({ ':path': '/ws/e' }).on('error', () => undefined);
    await askedOnce;
    leaving.destroy();
    await once(leaving, 'close');
    answerFirst();
    const session = await openHttp2(`${scheme}://localhost:${port}`);
    expect((await get(session, { ':path': '/ws/e' })).status).toBe(426);
    expect(logs.problems).toEqual([]);
  });
});

describe('a WebSocket over HTTP/1.1 beside pages over HTTP/2', () => {
  it('is served, and closed with 1001 when the application stops', async () => {
    const { app, port } = await startHttp2({ https: { ...certificate, allowHTTP1: true } });
    const session = await openHttp2(`https://localhost:${port}`);
    const client = await connect(app, '/ws/e');
    afterTest(() => client.terminate());
    expect((await get(session, { ':path': '/nowhere' })).status).toBe(404);
    await client.send('hello');
    expect(await client.next()).toBe('hello');
    session.close();
    const closing = app.close();
    expect(await client.closed()).toMatchObject({ code: 1001 });
    await closing;
  });
});
