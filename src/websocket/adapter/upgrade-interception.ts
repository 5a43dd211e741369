import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Takes an upgrade and returns `true`, or leaves it to whoever else listens. `isLast` says that no other claim on this
 * server is asked afterwards, so an upgrade that is left here is left to strangers or to nobody.
 */
export type UpgradeClaim = (request: IncomingMessage, socket: Duplex, head: Buffer, isLast: boolean) => boolean;

type Emit = Server['emit'];

/** What is attached to one server, however many applications of ours share it. */
interface Attached {
  readonly claims: UpgradeClaim[];
  readonly emit: Emit;
  /** The server's own `emit` before, if it had one. */
  readonly previous: Emit | undefined;
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
    return this.#server.listenerCount('upgrade') - (attachedTo.has(this.#server) ? 1 : 0);
  }

  attach(claim: UpgradeClaim): void {
    if (this.#claim !== undefined) return;
    this.#claim = claim;
    (attachedTo.get(this.#server) ?? intercept(this.#server)).claims.push(claim);
  }

  /** Takes off exactly what was attached. Somebody who wrapped `emit` after us keeps working. */
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
  const emit = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'upgrade' && isClaimed(claims, args[0] as IncomingMessage, args[1] as Duplex, args[2] as Buffer))
      return true;
    return (inherited as (event: string | symbol, ...args: unknown[]) => boolean).call(this, event, ...args);
  } as Emit;
  const attached = { claims, emit, previous: Object.hasOwn(server, 'emit') ? inherited : undefined };
  attachedTo.set(server, attached);
  server.emit = emit;
  // Node only emits 'upgrade' when somebody listens.
  server.on('upgrade', marker);
  return attached;
}

function isClaimed(claims: readonly UpgradeClaim[], request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
  const [only] = claims;
  if (claims.length === 1 && only !== undefined) return only(request, socket, head, true);
  return [...claims].some((claim, index, { length }) => claim(request, socket, head, index === length - 1));
}

function release(server: Server, { emit, previous }: Attached): void {
  attachedTo.delete(server);
  server.off('upgrade', marker);
  if (server.emit !== emit) return;
  if (previous !== undefined) server.emit = previous;
  else delete (server as Partial<Server>).emit;
}

function marker(): void {}
