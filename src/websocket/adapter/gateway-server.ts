import { EventEmitter } from 'node:events';
import { Logger, type Type, type WsMessageHandler } from '@nestjs/common';
import { filter, isObservable, merge, of, type Observable } from 'rxjs';
import type { Connection } from '../connection/connection.js';
import type { FinishInfo } from '../connection/finish-info.js';
import { isPromiseLike } from '../connection/settle.js';
import { UNHANDLED } from '../endpoint/compiled-filters.js';
import type { EndpointHandlers, MessageHandler } from '../endpoint/compiled-endpoint.js';
import type { EndpointSettings, ServedEndpoint } from '../endpoint/endpoint.js';
import type { PathPattern } from '../endpoint/path-pattern.js';
import { HookCalls } from './gateway-calls.js';
import { watchHooks, type HookName } from './gateway-guard.js';

/** Called by Nest's gateway machinery for every new client. */
export type GatewayConnect = (client: unknown, request: unknown) => void;

/** What Nest has bound to one client of a gateway. */
interface GatewayClient {
  /** Messages wait for these. */
  readonly connects: HookCalls;
  /** The drain waits for these. */
  readonly disconnects: HookCalls;
  readonly events: Map<string, WsMessageHandler['callback'][]>;
  readonly onDisconnect: ((reason: unknown) => unknown)[];
}

const NO_ARGUMENTS: unknown[] = [];

/**
 * A stock `@WebSocketGateway` on our lifecycle: the server object its adapter hands to Nest. Clients are the `ws`
 * sockets that gateways are written for; the connection around each of them keeps the limits, the registry and the
 * drain. As the server of `ws` it has `clients` and emits `connection`.
 */
export class GatewayServer extends EventEmitter implements ServedEndpoint {
  readonly #clients = new Map<unknown, GatewayClient>();
  readonly #logger = new Logger('PlackWebSocket');
  readonly bootHandlers: EndpointHandlers;
  #settings: EndpointSettings | undefined;

  constructor(
    readonly metatype: Type,
    readonly pattern: PathPattern,
    /** Port of its own, 0 for the application's server. */
    readonly port: number,
    /** The gateways on this server that have each hook. */
    private readonly hooks: Readonly<Record<HookName, readonly Type[]>>,
  ) {
    super();
    // Every gateway on the path is a listener.
    this.setMaxListeners(0);
    this.bootHandlers = this.#handlers();
  }

  get name(): string {
    return this.metatype.name;
  }

  get settings(): EndpointSettings {
    if (this.#settings === undefined) throw new Error(`${this.name} is used before the application is initialized.`);
    return this.#settings;
  }

  /** Gateways are registered before options are resolved, so they come later. */
  configure(settings: EndpointSettings): void {
    this.#settings = settings;
  }

  /** The open `ws` sockets, as the `clients` of a `ws` server. */
  get clients(): ReadonlySet<unknown> {
    return new Set(this.#clients.keys());
  }

  handlersFor(): EndpointHandlers {
    return this.bootHandlers;
  }

  onConnect(callback: GatewayConnect): void {
    this.on('connection', callback);
  }

  onDisconnect(client: unknown, callback: (reason: unknown) => unknown): void {
    this.#clients.get(client)?.onDisconnect.push(callback);
  }

  bindMessages(client: unknown, handlers: readonly WsMessageHandler[]): void {
    const events = this.#clients.get(client)?.events;
    if (events === undefined) return;
    for (const { message, callback } of handlers) {
      const callbacks = events.get(message);
      // Several gateways may share a path; all that name an event serve it, as with the stock adapter.
      if (callbacks === undefined) events.set(message, [callback]);
      else callbacks.push(callback);
    }
  }

  #handlers(): EndpointHandlers {
    return {
      admit: () => NO_ARGUMENTS,
      recoverHandshake: () => UNHANDLED,
      establish: (connection) => this.#establish(connection),
      recoverEstablish: () => UNHANDLED,
      anyMessage: this.#messageHandler(),
      binaryMessage: this.#messageHandler(),
      events: new Map(),
      finish: (connection, end) => this.#finish(connection, end as FinishInfo),
      error: undefined,
    };
  }

  #establish(connection: Connection): Promise<unknown> | undefined {
    const raw = connection.raw as object;
    const { handleConnection, handleDisconnect } = this.hooks;
    const connects = new HookCalls(handleConnection);
    const disconnects = new HookCalls(handleDisconnect);
    this.#clients.set(raw, { connects, disconnects, events: new Map(), onDisconnect: [] });
    watchHooks(raw, (hook, ...call) => (hook === 'handleConnection' ? connects : disconnects).note(...call));
    this.emit('connection', raw, connection.context.raw);
    const pending = connects.settle(this.settings.handshakeTimeoutMs);
    if (pending !== undefined) connection.signal.addEventListener('abort', connects.abandon);
    return pending;
  }

  /** Stock parity: what is no JSON, or no event anybody knows, is passed over in silence. */
  #messageHandler(): MessageHandler {
    return {
      invoke: (connection, payload) => {
        const message = parse(payload);
        if (message === undefined) return undefined;
        const callbacks = this.#clients.get(connection.raw)?.events.get(message.event) ?? [];
        const results: unknown[] = callbacks.map((callback) => callback(message.data, message.event));
        if (results.length > 1) return Promise.all(results).then((all) => merge(...all.map(toItems)));
        const [result] = results;
        return isPromiseLike(result) ? Promise.resolve(result).then(withoutNothing) : withoutNothing(result);
      },
      recover: () => UNHANDLED,
    };
  }

  #finish({ raw }: Connection, { code }: FinishInfo): Promise<unknown> | undefined {
    const client = this.#clients.get(raw);
    this.#clients.delete(raw);
    for (const callback of client?.onDisconnect ?? []) {
      try {
        callback(code);
      } catch (error) {
        this.#logger.error(error);
      }
    }
    return client?.disconnects.settle(this.settings.handshakeTimeoutMs);
  }
}

function parse(payload: unknown): { event: string; data: unknown } | undefined {
  try {
    const message: unknown = JSON.parse(String(payload));
    if (typeof message !== 'object' || message === null || !('event' in message)) return undefined;
    const { event } = message;
    return typeof event === 'string' ? { event, data: 'data' in message ? message.data : undefined } : undefined;
  } catch {
    return undefined;
  }
}

/** The stock adapter sends neither `undefined` nor `null`, also when they are items of a stream. */
function withoutNothing(result: unknown): unknown {
  return isObservable(result) ? toItems(result) : (result ?? undefined);
}

function toItems(result: unknown): Observable<unknown> {
  return (isObservable(result) ? result : of(result)).pipe(filter((item) => item !== undefined && item !== null));
}
