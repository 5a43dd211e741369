import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { log } from '../../log/log.js';
import type { PathPattern } from '../../routing/path-pattern.js';
import { originForm } from '../../request/origin-form.js';
import { requestPath } from '../../routing/request-path.js';
import type { GatewayOptions } from './gateway-options.js';

/** The address of a gateway. */
export interface WsLikeAddress {
  /** Port of its own, 0 for the application's server. */
  readonly port: number;
  /** `undefined` where it has a port for itself and serves every path there. */
  readonly path: string | undefined;
  readonly pattern: PathPattern;
}

/**
 * What an application sees of the server of its gateway: the members of a `ws` server as far as they mean something here,
 * with `connection`, `headers`, `listening` and `close` as events.
 */
export abstract class WsLikeServer extends EventEmitter {
  /** The open sockets; `undefined` with `clientTracking: false`. */
  readonly clients: ReadonlySet<object> | undefined;
  readonly #sockets = new Set<object>();
  readonly #onSocketClose: (this: object) => void;
  #http: Server | undefined;
  #isClosing = false;
  #isClosed = false;

  readonly options: GatewayOptions & { readonly port?: number; readonly noServer?: true };
  readonly path: string | undefined;
  readonly pattern: PathPattern;

  constructor(options: GatewayOptions, { port, path, pattern }: WsLikeAddress) {
    super();
    // Every gateway on the path is a listener.
    this.setMaxListeners(0);
    this.options = Object.freeze({ ...options, ...(port === 0 ? { noServer: true } : { port }) });
    this.path = path;
    this.pattern = pattern;
    this.clients = options.clientTracking === false ? undefined : this.#sockets;
    const left = (socket: object): void => this.#left(socket);
    // One function for all sockets, which tells them apart by what it is called on.
    this.#onSocketClose = function (this: object): void {
      left(this);
    };
  }

  abstract readonly name: string;

  /** Nothing more comes in. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** The address that clients connect to; `null` before the application listens. */
  address(): ReturnType<Server['address']> {
    return this.#http?.address() ?? null;
  }

  /** Refuses new clients with 503, and emits `close` when the last client has left. */
  close(callback?: (error?: Error) => void): void {
    const error = this.#isClosed ? new Error('The server is not running') : undefined;
    if (callback !== undefined) this.once('close', () => callback(error));
    if (this.#isClosing && !this.#isClosed) return;
    this.#isClosing = true;
    if (this.#sockets.size === 0) process.nextTick(this.#tellClose);
  }

  /** Tells whether a request is for this path. */
  shouldHandle(request: IncomingMessage): boolean {
    try {
      return this.pattern.match(requestPath(originForm(request))) !== undefined;
    } catch {
      return false;
    }
  }

  /** @throws Error always: a second handshake for one request cannot be. */
  handleUpgrade(): never {
    throw new Error(
      `${this.name}: handleUpgrade does not work on PlackWsAdapter, which takes the upgrades of ${this.pattern.source} by ` +
        'itself, with the handshake and the limits of the module. Remove the listener for upgrades that calls it.',
    );
  }

  /** Clients connect to this HTTP server. */
  servedBy(server: Server): void {
    this.#http = server;
  }

  /** Emits an event with nothing to wait for; a listener that throws ends nothing. */
  tell(event: 'close' | 'listening'): void {
    try {
      this.emit(event);
    } catch (error) {
      log.error(this.name, `A listener for '${event}' of the server of ${this.name} failed`, error);
    }
  }

  /** A client is there, until its socket closes. */
  protected admit(socket: EventEmitter): void {
    this.#sockets.add(socket);
    socket.on('close', this.#onSocketClose);
  }

  #left(socket: object): void {
    this.#sockets.delete(socket);
    if (this.#isClosing && this.#sockets.size === 0) process.nextTick(this.#tellClose);
  }

  readonly #tellClose = (): void => {
    this.#isClosed = true;
    this.tell('close');
  };
}
