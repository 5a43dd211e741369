import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { asksForWebSocket, isLeftToServer, isWithheld } from './foreign-upgrade.js';
import { destroyOwing, hasOwing, keepAborts } from './owed-answers.js';

/**
 * Takes an upgrade and returns `true`, or leaves it to the next claim. `isLast` says that this is the last claim on the
 * server: what it leaves goes to the other listeners, if there are any.
 */
export type UpgradeClaim = (request: IncomingMessage, socket: Duplex, head: Buffer, isLast: boolean) => boolean;

type Emit = Server['emit'];
type ShouldUpgrade = (request: IncomingMessage) => boolean;

/** Node asks before it releases a socket; before 22.21 and 24.9 it does not. */
interface UpgradingServer extends Server {
  shouldUpgradeCallback?: ShouldUpgrade;
}

/** What is attached to one server. Several applications with this library may share it. */
interface Attached {
  readonly claims: UpgradeClaim[];
  readonly emit: Emit;
  /** The server's own `emit` before, if it had one. */
  readonly previous: Emit | undefined;
  /** What Node asks whether a request is an upgrade at all, and what it asked before. */
  readonly shouldUpgrade: { readonly ours: ShouldUpgrade; readonly previous: ShouldUpgrade } | undefined;
  readonly releaseCloseAll: () => void;
}

const attachedTo = new WeakMap<Server, Attached>();

/**
 * Sees every `'upgrade'` of an HTTP server before its listeners do. Other users of the server (socket.io, `ws` with a
 * path, stock gateways) destroy sockets they do not know, and an EventEmitter has no way to stop them; so an upgrade
 * that is ours is never emitted to them, and any other goes through untouched.
 */
export class UpgradeInterception {
  readonly #server: Server;
  #claim: UpgradeClaim | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  /** How many listen for upgrades beside the claims of this library. */
  get otherListeners(): number {
    return otherListeners(this.#server);
  }

  attach(claim: UpgradeClaim): void {
    if (this.#claim !== undefined) return;
    this.#claim = claim;
    (attachedTo.get(this.#server) ?? intercept(this.#server)).claims.push(claim);
  }

  /** Takes off exactly what was attached. Code that wrapped `emit` after us keeps working. */
  detach(): void {
    const attached = attachedTo.get(this.#server);
    if (this.#claim === undefined || attached === undefined) return;
    attached.claims.splice(attached.claims.indexOf(this.#claim), 1);
    this.#claim = undefined;
    if (attached.claims.length === 0) release(this.#server, attached);
  }
}

function intercept(server: Server): Attached {
  // Called with the server as `this` below, as any emit is.
  // oxlint-disable-next-line typescript/unbound-method
  const inherited: Emit = server.emit;
  const claims: UpgradeClaim[] = [];
  const shouldUpgrade = askFirst(server);
  const emit = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'upgrade' && isClaimed(claims, args[0] as IncomingMessage, args[1] as Duplex, args[2] as Buffer))
      return true;
    if (shouldUpgrade === undefined) {
      if (event === 'request') keepAborts((args[0] as IncomingMessage).socket);
    } else if (isWithheld(event, args[0], args[1])) {
      return true;
    }
    return (inherited as (event: string | symbol, ...args: unknown[]) => boolean).call(this, event, ...args);
  } as Emit;
  const attached: Attached = {
    claims,
    emit,
    previous: Object.hasOwn(server, 'emit') ? inherited : undefined,
    shouldUpgrade,
    releaseCloseAll: closeAllWithOwing(server),
  };
  attachedTo.set(server, attached);
  server.emit = emit;
  // Node emits 'upgrade' only when there is a listener.
  server.on('upgrade', marker);
  return attached;
}

/** Has a server that is told to close all connections close those too that it released with an upgrade and owes answers on. */
function closeAllWithOwing(server: Server): () => void {
  // A server of HTTP/2 has none on Node 20. Called with the server as `this` below.
  // oxlint-disable-next-line typescript/unbound-method
  const inherited = server.closeAllConnections as (() => void) | undefined;
  const previous = Object.getOwnPropertyDescriptor(server, 'closeAllConnections');
  if (inherited === undefined) return () => undefined;
  const ours = function (this: Server): void {
    inherited.call(this);
    destroyOwing(server);
  };
  server.closeAllConnections = ours;
  const restore = (): void => {
    if (server.closeAllConnections !== ours) return;
    if (previous !== undefined) Object.defineProperty(server, 'closeAllConnections', previous);
    else delete (server as Partial<Server>).closeAllConnections;
  };
  // The application closes its server after this library has left it.
  return () => (hasOwing(server) ? server.once('close', restore) : restore());
}

/** Has Node serve an upgrade with a body to another protocol as the plain request it is, where nothing could take it. */
function askFirst(server: UpgradingServer): Attached['shouldUpgrade'] {
  const previous = server.shouldUpgradeCallback;
  if (previous === undefined) return undefined;
  const ours: ShouldUpgrade = (request) => {
    keepAborts(request.socket);
    if (otherListeners(server) === 0) return !isLeftToServer(request);
    return previous.call(server, request) || asksForWebSocket(request);
  };
  server.shouldUpgradeCallback = ours;
  return { ours, previous };
}

function otherListeners(server: Server): number {
  return server.listenerCount('upgrade') - (attachedTo.has(server) ? 1 : 0);
}

function isClaimed(claims: readonly UpgradeClaim[], request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  const [only] = claims;
  if (claims.length === 1 && only !== undefined) return only(request, socket, head, true);
  return [...claims].some((claim, index, { length }) => claim(request, socket, head, index === length - 1));
}

function release(server: UpgradingServer, { emit, previous, shouldUpgrade, releaseCloseAll }: Attached): void {
  attachedTo.delete(server);
  releaseCloseAll();
  server.off('upgrade', marker);
  if (shouldUpgrade !== undefined && server.shouldUpgradeCallback === shouldUpgrade.ours)
    server.shouldUpgradeCallback = shouldUpgrade.previous;
  if (server.emit !== emit) return;
  if (previous !== undefined) server.emit = previous;
  else delete (server as Partial<Server>).emit;
}

function marker(): void {}
