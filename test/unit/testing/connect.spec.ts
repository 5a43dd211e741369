import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { WebSocketServer } from 'ws';
import { connect } from '../../../src/websocket/testing/connect.js';
import { ChildApp } from '../../support/child-app.js';
import { ConnectFailedError, HandshakeRefusedError } from '../../../src/websocket/testing/errors.js';

@Module({})
class EmptyModule {}

describe('connect', () => {
  const cleanups: (() => unknown)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  /** A server that answers every upgrade with `answer`, byte for byte, and keeps the socket open unless told. */
  function answering(answer: string, close = true): Server {
    const server = createServer();
    server.on('upgrade', (_request, socket) => {
      cleanups.push(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.write(answer);
      if (close) socket.end();
    });
    cleanups.push(() => server.close());
    return server;
  }

  /** A server that tells the client what its upgrade request was. */
  function mirror(): Server {
    const server = createServer();
    const wss = new WebSocketServer({ server, handleProtocols: (offered) => [...offered].at(-1) ?? false });
    wss.on('headers', (headers) => headers.push('Set-Cookie: a=1', 'Set-Cookie: b=2'));
    wss.on('connection', (socket, { url, headers, rawHeaders }: IncomingMessage) => {
      socket.send(JSON.stringify({ url, headers, rawHeaders }));
    });
    cleanups.push(() => {
      for (const socket of wss.clients) socket.terminate();
      return server.close();
    });
    return server;
  }

  it('starts a server that does not listen, once for several clients, on the loopback address', async () => {
    const server = mirror();
    const clients = await Promise.all([connect(server, '/a'), connect(server, '/b')]);
    expect(server.address()).toMatchObject({ address: '127.0.0.1' });
    expect(await Promise.all(clients.map((client) => client.nextJson()))).toMatchObject([{ url: '/a' }, { url: '/b' }]);
  });

  it.each([
    ['every address', undefined],
    ['every IPv4 address', '0.0.0.0'],
    ['one address', '127.0.0.1'],
  ])('reaches a server that listens on %s already', async (_what, address) => {
    const server = mirror();
    server.listen(0, address);
    await once(server, 'listening');
    const client = await connect(server, '/a');
    expect(client.state).toBe('open');
  });

  it('reaches a server of another process by its URL', async () => {
    const server = mirror();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = await connect(new URL(`http://127.0.0.1:${port}/ignored`), '/a', { query: { b: 1 } });
    expect(await client.nextJson()).toMatchObject({ url: '/a?b=1' });
  });

  it.each([
    ['express', undefined],
    ['fastify', new FastifyAdapter()],
  ])('starts a Nest application on %s', async (_name, adapter) => {
    const testing = await Test.createTestingModule({ imports: [EmptyModule] }).compile();
    const app = adapter ? testing.createNestApplication(adapter) : testing.createNestApplication();
    cleanups.push(() => app.close());
    const wss = new WebSocketServer({ server: app.getHttpServer() as Server, path: '/echo' });
    wss.on('connection', (socket) => socket.send('from nest'));
    const client = await connect(app, '/echo');
    cleanups.push(() => client.terminate());
    expect(await client.next()).toBe('from nest');
  });

  it('sends headers, origin, subprotocols and query', async () => {
    const client = await connect(mirror(), '/a?x=1', {
      headers: { Cookie: 's=1', 'X-Two': ['a', 'b'] },
      origin: 'https://example.test',
      protocols: ['v1', 'v2'],
      query: { y: 2, z: ['a b', true], no: undefined },
    });
    expect(client.protocol).toBe('v2');
    expect(await client.nextJson()).toMatchObject({
      url: '/a?x=1&y=2&z=a+b&z=true',
      headers: {
        cookie: 's=1',
        'x-two': 'a, b',
        origin: 'https://example.test',
        'sec-websocket-protocol': 'v1,v2',
        'sec-websocket-extensions': expect.stringContaining('permessage-deflate'),
      },
    });
  });

  it('offers nothing that it was not told to', async () => {
    const client = await connect(mirror(), 'a', { compression: false });
    const { headers } = await client.nextJson<{ headers: Record<string, string> }>();
    expect(Object.keys(headers).toSorted()).toEqual([
      'connection',
      'host',
      'sec-websocket-key',
      'sec-websocket-version',
      'upgrade',
    ]);
  });

  it('shows the headers of the 101', async () => {
    const client = await connect(mirror(), '/');
    expect(client.headers).toMatchObject({ upgrade: 'websocket', 'set-cookie': ['a=1', 'b=2'] });
  });

  it.each([
    ['a body of a given length', 'Content-Length: 12\r\n\r\n{"no":"you"}', false],
    ['a body that ends with the connection', 'Connection: close\r\n\r\n{"no":"you"}', true],
  ])('rejects a refusal that has %s with status, headers and body', async (_what, rest, close) => {
    const server = answering(`HTTP/1.1 403 Forbidden\r\nX-Why: because\r\n${rest}`, close);
    const error = await connect(server, '/secret').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HandshakeRefusedError);
    const refused = error as HandshakeRefusedError;
    expect(refused).toMatchObject({ code: 'handshake_refused', status: 403, body: '{"no":"you"}' });
    expect(refused.headers['x-why']).toBe('because');
    expect(refused.json()).toEqual({ no: 'you' });
    expect(refused.message).toBe('The handshake of /secret was refused with 403 Forbidden: {"no":"you"}');
    expect(refused.stack).toContain('connect.spec.ts');
  });

  it('shows the status of a refusal that breaks off inside its body', async () => {
    const server = answering('HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\nhalf');
    await expect(connect(server, '/')).rejects.toMatchObject({ status: 500, body: 'half' });
  });

  it('does not follow a redirect', async () => {
    const server = answering('HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n');
    await expect(connect(server, '/a')).rejects.toMatchObject({ status: 302, body: '' });
  });

  it.each([
    [
      'a wrong accept key',
      'HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    ],
    ['an answer that is not HTTP', 'nonsense\r\n\r\n'],
    ['a connection that ends without an answer', ''],
  ])('rejects %s with the cause', async (_what, answer) => {
    const error = await connect(answering(answer), '/').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectFailedError);
    expect(error).toMatchObject({ code: 'connect_failed', cause: { message: expect.any(String) } });
  });

  it('rejects when no answer comes in time', async () => {
    await expect(connect(answering('', false), '/', { handshakeTimeoutMs: 20 })).rejects.toThrow('timed out');
  });

  it('rejects a target that is not on a TCP port', async () => {
    const server = createTcpServer().listen(join(tmpdir(), `connect-spec-${process.pid}.sock`));
    cleanups.push(() => server.close());
    await once(server, 'listening');
    await expect(connect(server, '/')).rejects.toThrow('connect needs a server on a TCP port');
  });

  // In a process of its own: the test runner hears no unhandled rejection.
  it('leaves no unhandled rejection behind when it is not awaited', async () => {
    await using child = await ChildApp.start(new URL('./unawaited-connect.fixture.ts', import.meta.url));
    expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
    expect(child.stderr).toBe('');
  });

  it.each([true, false])('answers pings: %p', async (autoPong) => {
    const server = createServer();
    const wss = new WebSocketServer({ server });
    cleanups.push(() => server.close());
    const seen = new Promise<string>((resolve) => {
      wss.on('connection', (socket) => {
        cleanups.push(() => socket.terminate());
        socket.on('pong', () => resolve('pong'));
        socket.once('message', () => {
          socket.ping();
          socket.once('message', () => resolve('message'));
        });
      });
    });
    const client = await connect(server, '/', { autoPong });
    const pinged = once(client.raw, 'ping');
    void client.send('ping me');
    await pinged;
    // An answer to the ping, if there is one, leaves before this.
    void client.send('marker');
    await expect(seen).resolves.toBe(autoPong ? 'pong' : 'message');
  });
});
