import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { Server as TlsServer } from 'node:tls';
import type { INestApplication } from '@nestjs/common';
import { WebSocket } from 'ws';
import { callSite, ConnectFailedError, HandshakeRefusedError, pointAt } from './errors.js';
import { QueuedClient } from './queued-client.js';
import { handled } from './wait.js';

/**
 * What a test connects to: a Nest application on any HTTP platform, an `http` or `https` server, or the base URL
 * (`http://127.0.0.1:3000`) of one that runs in another process.
 */
export type ConnectTarget = INestApplication<Server> | Server | URL;

/** A value of the query string; a list gives the name several times, `undefined` leaves it out. */
export type QueryValue = string | number | boolean | undefined | readonly (string | number | boolean)[];

/** Says how `connect` asks for the WebSocket; everything has a default. */
export class ConnectOptions {
  /** Header fields of the upgrade request, such as `cookie` or `authorization`. Default: none. */
  readonly headers: Readonly<Record<string, string | readonly string[]>> = {};

  /** Subprotocols to offer, the preferred one first (RFC 6455 §4.1). Default: none. */
  readonly protocols: string | readonly string[] = [];

  /** Query parameters, added to those in the path. Default: none. */
  readonly query: Readonly<Record<string, QueryValue>> = {};

  /** `Origin` of the request. Default: none is sent, as from any client that is not a browser. */
  readonly origin: string | undefined = undefined;

  /** Answers pings with pongs (RFC 6455 §5.5.3). Default `true`; `false` plays a peer that is gone but did not say so. */
  readonly autoPong: boolean = true;

  /** Offers permessage-deflate (RFC 7692), as browsers do. Default `true`; the server decides. */
  readonly compression: boolean = true;

  /** Milliseconds until a handshake without an answer fails. Default 4000, below the limit of the usual test runner. */
  readonly handshakeTimeoutMs: number = 4000;

  /** Milliseconds that `next()`, `closed()` and the others wait if they are not told otherwise. Default 2000. */
  readonly timeoutMs: number = 2000;
}

/**
 * Opens a WebSocket to an application under test and resolves once it is open. A target that does not listen yet is
 * started first, an application with `app.listen`, on a free port of 127.0.0.1; it is never stopped: that stays with
 * `app.close()`. The certificate of an `https` server is not checked, so use it for your own servers only.
 *
 * ```ts
 * const client = await connect(app, '/ws/rooms/1', { headers: { cookie: 'session=1' } });
 * expect(await client.next()).toBe('welcome');
 * ```
 *
 * @throws {@link HandshakeRefusedError} if the answer is not a 101; it has `status`, `headers` and `body`.
 * @throws {@link ConnectFailedError} if there is no usable answer.
 */
export function connect(
  target: ConnectTarget,
  path: string,
  options: Partial<ConnectOptions> = {},
): Promise<QueuedClient> {
  const site = callSite();
  const opened = open(target, path, Object.assign(new ConnectOptions(), options));
  return handled(
    opened.catch((error: unknown) => {
      throw error instanceof Error ? pointAt(site, error) : error;
    }),
  );
}

async function open(target: ConnectTarget, path: string, options: ConnectOptions): Promise<QueuedClient> {
  const socket = new WebSocket(
    withQuery(`${await originOf(target)}${slashed(path)}`, options.query),
    [options.protocols].flat(),
    {
      finishRequest: (request) => {
        for (const [name, value] of Object.entries(options.headers)) request.setHeader(name, value);
        request.end();
      },
      ...(options.origin !== undefined && { origin: options.origin }),
      autoPong: options.autoPong,
      perMessageDeflate: options.compression,
      handshakeTimeout: options.handshakeTimeoutMs,
      rejectUnauthorized: false,
    },
  );
  const client = new QueuedClient(socket, path, options.timeoutMs);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client));
    socket.once('error', (error) => reject(new ConnectFailedError(path, error)));
    socket.once('unexpected-response', (_request, response) => {
      void bodyOf(response).then((body) => {
        reject(new HandshakeRefusedError(path, response.statusCode ?? 0, response.headers, body));
        socket.terminate();
      });
    });
  });
}

// Several clients may connect at once to an application that does not listen yet; it must be started once.
const starting = new WeakMap<Server, Promise<unknown>>();

async function originOf(target: ConnectTarget): Promise<string> {
  if (target instanceof URL) return `${target.protocol.replace('http', 'ws')}//${target.host}`;
  const server = 'getHttpServer' in target ? target.getHttpServer() : target;
  if (!server.listening) {
    const start = starting.get(server) ?? listen(target, server).finally(() => starting.delete(server));
    starting.set(server, start);
    await start;
  }
  return `${server instanceof TlsServer ? 'wss' : 'ws'}://${authorityOf(server.address())}`;
}

function listen(target: INestApplication<Server> | Server, server: Server): Promise<unknown> {
  if ('getHttpServer' in target) return target.listen(0, '127.0.0.1');
  const listens = once(server, 'listening');
  server.listen(0, '127.0.0.1');
  return listens;
}

function slashed(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function withQuery(url: string, query: ConnectOptions['query']): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of [value].flat()) if (item !== undefined) search.append(name, String(item));
  }
  return search.size === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${search.toString()}`;
}

function authorityOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') {
    throw new TypeError(`connect needs a server on a TCP port; this one is bound to ${address ?? 'nothing'}.`);
  }
  // A wildcard address is where a server listens, not where it can be reached.
  if (address.address === '::' || address.address === '0.0.0.0') return `127.0.0.1:${address.port}`;
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

/** The body as far as it came: a connection that breaks inside it still shows the status. */
async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // What was cut off cannot be had.
  }
  return Buffer.concat(chunks).toString('utf8');
}
