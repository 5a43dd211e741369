import { Logger, type Type, type WsMessageHandler } from '@nestjs/common';
import type { Connection } from '../connection/connection.js';
import type { FinishInfo } from '../connection/finish-info.js';
import { isPromiseLike } from '../connection/settle.js';
import { UNHANDLED } from '../endpoint/compiled-filters.js';
import type { EndpointHandlers, MessageHandler } from '../endpoint/compiled-endpoint.js';
import type { EndpointSettings, ServedEndpoint } from '../endpoint/endpoint.js';
import type { PathPattern } from '../endpoint/path-pattern.js';

/** Called by Nest's gateway machinery for every new client. */
export type GatewayConnect = (client: unknown, request: unknown) => void;

/** What Nest has bound to one client of a gateway. */
interface GatewayClient {
  /** What `handleConnection` methods still do; messages wait for it. */
  readonly pending: PromiseLike<unknown>[];
  readonly events: Map<string, WsMessageHandler['callback']>;
  readonly onDisconnect: ((reason: unknown) => unknown)[];
}

const NO_ARGUMENTS: unknown[] = [];

/**
 * A stock `@WebSocketGateway` on our lifecycle: the server object its adapter hands to Nest. Clients are the `ws`
 * sockets that gateways are written for; the connection around each of them keeps the limits, the registry and the
 * drain.
 */
export class GatewayServer implements ServedEndpoint {
  readonly #connect: GatewayConnect[] = [];
  readonly #clients = new Map<unknown, GatewayClient>();
  readonly #logger = new Logger('PlackWebSocket');
  readonly bootHandlers: EndpointHandlers;
  #settings: EndpointSettings | undefined;

  constructor(
    readonly metatype: Type,
    readonly pattern: PathPattern,
    /** Port of its own, 0 for the application's server. */
    readonly port: number,
  ) {
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
    this.#connect.push(callback);
  }

  onDisconnect(client: unknown, callback: (reason: unknown) => unknown): void {
    this.#clients.get(client)?.onDisconnect.push(callback);
  }

  bindMessages(client: unknown, handlers: readonly WsMessageHandler[]): void {
    const bound = this.#clients.get(client);
    // Several gateways may share a path; the first to name an event serves it, as with the stock adapter.
    for (const { message, callback } of handlers)
      if (bound?.events.has(message) === false) bound.events.set(message, callback);
  }

  #handlers(): EndpointHandlers {
    return {
      admit: () => NO_ARGUMENTS,
      recoverHandshake: () => UNHANDLED,
      establish: (connection) => this.#establish(connection),
      anyMessage: this.#messageHandler(),
      binaryMessage: this.#messageHandler(),
      events: new Map(),
      finish: (connection, end) => this.#finish(connection, end as FinishInfo),
      error: undefined,
    };
  }

  /** Makes the messages of a client wait for an asynchronous `handleConnection`. */
  delay(client: unknown, pending: PromiseLike<unknown>): void {
    this.#clients.get(client)?.pending.push(pending);
  }

  #establish(connection: Connection): Promise<unknown> | undefined {
    const client: GatewayClient = { pending: [], events: new Map(), onDisconnect: [] };
    this.#clients.set(connection.raw, client);
    for (const connect of this.#connect) connect(connection.raw, connection.context.raw);
    return client.pending.length === 0 ? undefined : Promise.all(client.pending);
  }

  /** Stock parity: what is no JSON, or no event anybody knows, is passed over in silence. */
  #messageHandler(): MessageHandler {
    return {
      invoke: (connection, payload) => {
        const message = parse(payload);
        const callback =
          message === undefined ? undefined : this.#clients.get(connection.raw)?.events.get(message.event);
        const result: unknown = callback?.(message?.data, message?.event);
        return isPromiseLike(result) ? Promise.resolve(result).then(dropNull) : result;
      },
      recover: () => UNHANDLED,
    };
  }

  #finish({ raw }: Connection, { code }: FinishInfo): void {
    const client = this.#clients.get(raw);
    this.#clients.delete(raw);
    for (const callback of client?.onDisconnect ?? []) {
      try {
        callback(code);
      } catch (error) {
        this.#logger.error(error);
      }
    }
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

/** The stock adapter sends neither `undefined` nor `null`. */
function dropNull(value: unknown): unknown {
  return value === null ? undefined : value;
}
