import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { ProxyTrust } from '../connection/proxy-trust.js';
import { RequestContext } from '../connection/request-context.js';
import type { ServedEndpoint } from '../endpoint/endpoint.js';
import type { PathRouter, RouteMatch } from '../endpoint/path-router.js';
import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';
import type { ConnectionLifecycle } from '../lifecycle/connection-lifecycle.js';
import { requestPath } from '../lifecycle/upgrade/request-path.js';
import { shareHeaderText } from '../protocol/shared-header-text.js';
import { serveAsPlainHttp } from './foreign-upgrade.js';
import { UpgradeInterception, type UpgradeClaim } from './upgrade-interception.js';

/** Time other listeners have to write to an upgrade that nobody may want, in milliseconds; engine.io's number. */
const ABANDONED_AFTER_MS = 1_000;

const NO_PARAMS: RequestContext['params'] = Object.freeze({});

/** The endpoints on one HTTP server: decides which requests are theirs and hands them to the lifecycle. */
export class EndpointServer {
  readonly #interception: UpgradeInterception;
  readonly #logger = new Logger('PlackWebSocket');

  constructor(
    private readonly server: Server,
    private readonly router: PathRouter<ServedEndpoint>,
    private readonly lifecycle: ConnectionLifecycle,
    private readonly proxies: ProxyTrust,
  ) {
    this.#interception = new UpgradeInterception(server);
  }

  attach(): void {
    this.#interception.attach(this.#claim);
  }

  detach(): void {
    this.#interception.detach();
  }

  /** Answers a plain request on the path of an endpoint; tells whether it was one. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    let match: RouteMatch<ServedEndpoint> | undefined;
    try {
      match = this.router.find(requestPath(request.url));
    } catch {
      return false;
    }
    if (match === undefined) return false;
    this.lifecycle.respond(new RequestContext(request, requestPath(request.url), match.params, this.proxies), response);
    return true;
  }

  /** Takes an upgrade that is ours, or that nobody takes. Never throws: it runs inside the server's `emit`. */
  readonly #claim: UpgradeClaim = (request, socket, head, isLast) => {
    try {
      let path = request.url ?? '';
      let match = this.router.findExact(path);
      let refusal: UpgradeRefusedError | undefined;
      if (match === undefined) {
        try {
          path = requestPath(request.url);
          match = this.router.find(path);
        } catch (error) {
          refusal = toRefusal(error);
        }
      }
      // Before anybody reads the headers, but nothing of an upgrade that is not ours is touched.
      if (match !== undefined) shareHeaderText(request.rawHeaders);
      if (request.headers.upgrade?.trim().toLowerCase() !== 'websocket')
        return isLast && this.#leaveToHttp(request, socket, head);
      if (match === undefined)
        return isLast && this.#leave(request, socket, refusal ?? new UpgradeRefusedError('not found'));
      const context = new RequestContext(request, path, match.params, this.proxies);
      this.lifecycle.upgrade(match.target, context, socket, head);
      return true;
    } catch (error) {
      this.#logger.error(error);
      socket.destroy();
      return true;
    }
  };

  /** Another protocol is none of ours; without other listeners it is a plain request. */
  #leaveToHttp(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (this.#interception.otherListeners > 0) {
      guardForeign(socket);
      return false;
    }
    serveAsPlainHttp(this.server, request, socket, head);
    return true;
  }

  /** Leaves an upgrade to the other listeners, but sees to it that somebody answers it. */
  #leave(request: IncomingMessage, socket: Duplex, refusal: UpgradeRefusedError): boolean {
    const context = new RequestContext(request, request.url ?? '', NO_PARAMS, this.proxies);
    if (this.#interception.otherListeners === 0) {
      this.lifecycle.refuse(context, socket, refusal);
      return true;
    }
    guardForeign(socket);
    const { bytesWritten } = socket as Partial<Socket>;
    const timer = setTimeout(() => {
      socket.off('close', cancel);
      if (socket.writable && (socket as Partial<Socket>).bytesWritten === bytesWritten)
        this.lifecycle.refuse(context, socket, refusal);
    }, ABANDONED_AFTER_MS);
    const cancel = (): void => clearTimeout(timer);
    timer.unref();
    socket.once('close', cancel);
    return false;
  }
}

/**
 * Node has taken its own listeners off: until somebody adopts the socket, a reset would be an `'error'` nobody listens to,
 * and that ends the process. It stays, because whoever adopts it does not tell, and does no harm beside theirs.
 */
function guardForeign(socket: Duplex): void {
  socket.on('error', ignoreError);
}

function ignoreError(): void {}

/** What the router and the path check throw: broken percent-encoding is the request's fault as well. */
function toRefusal(error: unknown): UpgradeRefusedError {
  return error instanceof UpgradeRefusedError
    ? error
    : new UpgradeRefusedError('invalid request', 'invalid request: the path is not properly percent-encoded', {
        cause: error,
      });
}
