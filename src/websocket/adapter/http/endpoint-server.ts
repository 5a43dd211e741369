import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ProxyTrust } from '../../request/proxy-trust.js';
import { originForm } from '../../request/origin-form.js';
import { RequestContext } from '../../request/request-context.js';
import type { ServedEndpoint } from '../../endpoint/endpoint.js';
import type { PathRouter, RouteMatch } from '../../routing/path-router.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import type { ConnectionLifecycle } from '../../lifecycle/connection-lifecycle.js';
import { log } from '../../log/log.js';
import { requestPath } from '../../routing/request-path.js';
import { shareHeaderText } from './shared-header-text.js';
import { whenAbandoned } from './abandoned-upgrade.js';
import { chooseEndpoint, hasRules, isServed, type ChosenEndpoint } from './endpoint-choice.js';
import { asksForWebSocket, canBePage, serveAsPage } from './foreign-upgrade.js';
import { inTurn } from './owed-answers.js';
import { UpgradeInterception, type UpgradeClaim } from './upgrade-interception.js';

const NO_PARAMS: RequestContext['params'] = Object.freeze({});

/** The endpoints on one HTTP server: decides which requests are theirs and hands them to the lifecycle. */
export class EndpointServer {
  readonly #interception: UpgradeInterception;

  constructor(
    private readonly server: Server,
    private readonly router: PathRouter<ServedEndpoint>,
    private readonly lifecycle: ConnectionLifecycle,
    private readonly proxies: ProxyTrust,
    /** Told of each WebSocket for a path that nothing serves. */
    private readonly onUpgrade: () => void,
    /** Time that other listeners have to take an upgrade that is not ours, in milliseconds; 0 means no limit. */
    private readonly leftTimeoutMs: number,
  ) {
    this.#interception = new UpgradeInterception(server);
  }

  attach(): void {
    this.#interception.attach(this.#claim);
  }

  detach(): void {
    this.#interception.detach();
  }

  /** Takes off what was attached, once the last socket of the server is gone. */
  detachWhenClosed(): void {
    if (this.server.listening) this.server.once('close', () => this.detach());
    else this.detach();
  }

  /** Answers a plain request on the path of an endpoint; tells whether it was one. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    let match: RouteMatch<ServedEndpoint> | undefined;
    let path: string;
    try {
      path = requestPath(originForm(request));
      match = this.router.find(path);
      if (match === undefined || !isServed(match, request, this.proxies)) return false;
    } catch {
      return false;
    }
    this.lifecycle.respond(new RequestContext(request, path, match.params, this.proxies), response);
    return true;
  }

  /** Takes an upgrade that is ours, or that no listener takes. Never throws: it runs inside the server's `emit`. */
  readonly #claim: UpgradeClaim = (request, socket, head, isLast) => {
    try {
      let target = request.url ?? '';
      let path = target;
      let match = this.router.findExact(path);
      let refusal: UpgradeRefusedError | undefined;
      if (match === undefined) {
        try {
          target = originForm(request);
          path = requestPath(target);
          match = this.router.find(path);
        } catch (error) {
          refusal = toRefusal(error);
        }
      }
      // Before any code reads the headers. An upgrade that is not ours stays untouched.
      if (match !== undefined) shareHeaderText(request.rawHeaders);
      if (!asksForWebSocket(request)) return isLast && this.#leaveToHttp(request, socket, head);
      this.onUpgrade();
      if (match === undefined) {
        return isLast && this.#leave(request, socket, head, refusal ?? new UpgradeRefusedError('not found'));
      }
      let chosen: ChosenEndpoint | undefined = match;
      if (match.rivals !== undefined || hasRules(match.target)) {
        try {
          chosen = chooseEndpoint(match, path, request, this.proxies);
        } catch (error) {
          // A `trustProxy` of the application may fail where the host is asked for.
          this.#refuse(request, socket, head, asRefusal(error));
          return true;
        }
        if (chosen === undefined)
          return isLast && this.#leave(request, socket, head, new UpgradeRefusedError('not found'));
      }
      // From here on all code sees the form of which guards and libraries think that it is the only one.
      if (target !== request.url) request.url = target;
      const { target: endpoint, params } = chosen;
      const context = new RequestContext(request, path, params, this.proxies);
      inTurn(this.server, socket, head, (early) => this.lifecycle.upgrade(endpoint, context, socket, early));
      return true;
    } catch (error) {
      log.error('upgrade', 'An upgrade could not be looked at; its socket is destroyed', error);
      socket.destroy();
      return true;
    }
  };

  /** Another protocol is none of ours; without other listeners it is a plain request. */
  #leaveToHttp(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const refusal = new UpgradeRefusedError('upgrade required');
    if (this.#interception.otherListeners > 0) return this.#leave(request, socket, head, refusal);
    if (canBePage(request)) serveAsPage(this.server, request, socket);
    else this.#refuse(request, socket, head, refusal);
    return true;
  }

  /** Leaves an upgrade to the other listeners, and refuses it if none of them takes it. */
  #leave(request: IncomingMessage, socket: Duplex, head: Buffer, refusal: UpgradeRefusedError): boolean {
    if (this.#interception.otherListeners === 0) {
      this.#refuse(request, socket, head, refusal);
      return true;
    }
    whenAbandoned(this.server, socket, this.leftTimeoutMs, () => this.#refuse(request, socket, head, refusal));
    return false;
  }

  #refuse(request: IncomingMessage, socket: Duplex, head: Buffer, refusal: UpgradeRefusedError): void {
    const context = new RequestContext(request, request.url ?? '', NO_PARAMS, this.proxies);
    inTurn(this.server, socket, head, () => this.lifecycle.refuse(context, socket, refusal));
  }
}

function asRefusal(error: unknown): UpgradeRefusedError {
  if (error instanceof UpgradeRefusedError) return error;
  return new UpgradeRefusedError('internal error', 'internal error', { cause: error });
}

/** What the router and the path check throw: broken percent-encoding is the request's fault as well. */
function toRefusal(error: unknown): UpgradeRefusedError {
  return error instanceof UpgradeRefusedError
    ? error
    : new UpgradeRefusedError('invalid request', 'invalid request: the path is not properly percent-encoded', {
        cause: error,
      });
}
