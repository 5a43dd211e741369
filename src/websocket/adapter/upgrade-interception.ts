import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes an upgrade and returns `true`, or leaves it to whoever else listens. */
export type UpgradeClaim = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

type Emit = Server['emit'];

/**
 * Sees every `'upgrade'` of an HTTP server before its listeners do. Other users of the server (socket.io, `ws` with a
 * path, stock gateways) destroy sockets they do not know, and an EventEmitter has no way to stop them; so an upgrade
 * that is ours is never emitted to them, and any other goes through untouched.
 */
export class UpgradeInterception {
  readonly #server: Server;
  #emit: Emit | undefined;
  #previous: Emit | undefined;
  #active = false;

  constructor(server: Server) {
    this.#server = server;
  }

  /** How many others listen for upgrades. */
  get otherListeners(): number {
    const own = this.#active ? 1 : 0;
    return this.#server.listenerCount('upgrade') - own;
  }

  attach(claim: UpgradeClaim): void {
    if (this.#active) return;
    this.#active = true;
    const server = this.#server;
    // Called with the server as `this` below, as any emit is.
    // oxlint-disable-next-line typescript/unbound-method
    const inherited: Emit = server.emit;
    this.#previous = Object.hasOwn(server, 'emit') ? inherited : undefined;
    const isActive = (): boolean => this.#active;
    this.#emit = function emit(this: Server, event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'upgrade' && isActive() && claim(...(args as Parameters<UpgradeClaim>))) return true;
      return (inherited as (event: string | symbol, ...args: unknown[]) => boolean).call(this, event, ...args);
    } as Emit;
    server.emit = this.#emit;
    // Node only emits 'upgrade' when somebody listens.
    server.on('upgrade', marker);
  }

  /** Takes off exactly what was attached. Somebody who wrapped `emit` after us keeps working. */
  detach(): void {
    if (!this.#active) return;
    this.#active = false;
    const server = this.#server;
    server.off('upgrade', marker);
    if (server.emit !== this.#emit) return;
    if (this.#previous !== undefined) server.emit = this.#previous;
    else delete (server as Partial<Server>).emit;
  }
}

function marker(): void {}
