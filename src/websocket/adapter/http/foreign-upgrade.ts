import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endSocket } from '../../lifecycle/upgrade/http-answer.js';
import { connectionReset, whenAnswered } from './owed-answers.js';

/** Tells whether an upgrade is for the protocol that is spoken here. */
export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Tells whether an upgrade to another protocol can be served without its parser, which has released the socket: a body
 * could not be read any more, and `Expect` asks about a body.
 */
export function canBePage({ httpVersionMajor, rawHeaders }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return false;
  // Not by `headers`: who reads them before they are shared makes every idle connection larger.
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    // No other header of these lengths is lowered.
    if (name.length !== 6 && name.length !== 14 && name.length !== 17) continue;
    const lower = name.toLowerCase();
    if (lower === 'expect' || lower === 'transfer-encoding') return false;
    if (lower === 'content-length' && Number(rawHeaders[i + 1]) !== 0) return false;
  }
  return true;
}

/** The last request that is served on a connection. */
const lastRequests = new WeakMap<Duplex, IncomingMessage>();

/**
 * Tells whether the HTTP server has to serve an upgrade to another protocol, because only its parser can read the body. It
 * is the last request on its connection: Node throws away what came in one packet with the end of such a request, and so
 * would take the middle of the next one for its beginning.
 */
export function isLeftToServer(request: IncomingMessage): boolean {
  if (canBePage(request) || asksForWebSocket(request)) return false;
  lastRequests.set(request.socket, request);
  return true;
}

/** Tells whether something that the HTTP server is about to emit came behind the last request on its connection. */
export function isWithheld(event: string | symbol, subject: unknown, detail: unknown): boolean {
  switch (event) {
    case 'request':
    case 'checkContinue':
    case 'checkExpectation': {
      const request = subject as IncomingMessage;
      const last = lastRequests.get(request.socket);
      if (last === undefined) return false;
      const response = detail as ServerResponse;
      if (last === request) {
        response.shouldKeepAlive = false;
        return false;
      }
      // Never sent. Without it the server would see no reason to pause a client that sends one request after the other.
      response.writeHead(503).end();
      return true;
    }
    case 'clientError':
      // The rest of a request is not a request: Node would answer it with 400, ahead of the answers that are due.
      return lastRequests.has(detail as Duplex) && String((subject as NodeJS.ErrnoException).code).startsWith('HPE_');
    default:
      return false;
  }
}

/**
 * Serves an upgrade to another protocol as the plain request it is: a server may ignore `Upgrade` (RFC 9110 §7.8), and
 * Node does so while there is no listener of `'upgrade'`. Some HTTP clients offer `h2c` with every request.
 *
 * The request goes to the application at once; its answer follows those to the requests before it, says
 * `Connection: close` and is the last one: what comes behind it is not read (RFC 9112 §9.6), because the socket is not
 * given to the HTTP server a second time.
 */
export function serveAsPage(server: Server, request: IncomingMessage, socket: Duplex): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  socket.on('error', ignoreError);
  socket.once('close', () => {
    if (!response.writableFinished) request.destroy(connectionReset());
  });
  response.once('finish', () => {
    request.resume();
    response.detachSocket(socket as Socket);
    response.destroy();
    endSocket(socket);
  });
  // Read on, or it would go unnoticed that the client leaves; what it still sends is of no interest.
  socket.resume();
  whenAnswered(server, socket, () => response.assignSocket(socket as Socket));
  // RFC 9112 §3.2: Node checks it for every request but upgrades.
  if (request.httpVersionMinor === 1 && request.headers.host === undefined && requiresHost(server)) {
    response.writeHead(400).end();
    return;
  }
  server.emit('request', request, response);
}

/** The option `requireHostHeader` of the server. */
function requiresHost(server: Server): boolean {
  return (server as Server & { readonly requireHostHeader?: boolean }).requireHostHeader !== false;
}

/** Named, so that a heap snapshot tells what it is. */
function ignoreError(): void {}
