import type { EventEmitter } from 'node:events';
import type { Type, WsMessageHandler } from '@nestjs/common';
import type { Connection } from '../../connection/connection.js';
import { internalError } from '../../connection/connection-ends.js';
import type { FinishInfo } from '../../connection/finish-info.js';
import { UNHANDLED } from '../../endpoint/pipeline/compiled-filters.js';
import type { ServedConnection } from '../../connection/served-connection.js';
import type {
  EndpointHandlers,
  EstablishArguments,
  MessageHandler,
} from '../../endpoint/pipeline/endpoint-handlers.js';
import type { EndpointSettings, ServedEndpoint } from '../../endpoint/endpoint.js';
import { log } from '../../log/log.js';
import type { AdapterSettings } from '../adapter-settings.js';
import type { DiscoveredGateway } from '../nest/gateway-discovery.js';
import type { GatewayFilters } from '../nest/gateway-filters.js';
import type { GatewayInstances } from '../nest/gateway-instances.js';
import { GatewayClient } from './gateway-client.js';
import type { HookCalls } from './hook-calls.js';
import { recoverHook } from './hook-faults.js';
import type { MessageParser } from './message-parser.js';
import { handshakeOf } from './gateway-handshake.js';
import { catchHookErrors, watchHooks, type FailedCall, type HookName } from './gateway-hooks.js';
import { toEndpointOptions, toSocketOptions, type GatewayOptions } from './gateway-options.js';
import { WsLikeServer, type WsLikeAddress } from './ws-like-server.js';

/** Called by Nest's gateway machinery for every new client. */
export type GatewayConnect = (client: unknown, request: unknown) => void;

/** A gateway as a client meets it. */
type Instantiated = Pick<DiscoveredGateway, 'metatype' | 'instance' | 'isScoped' | 'wrapper'>;

/** What all gateways of an application share. */
export interface GatewayTools {
  readonly instances: GatewayInstances;
  readonly filters: GatewayFilters;
  readonly parser: MessageParser;
}

const NO_ARGUMENTS: EstablishArguments = [[]];

/**
 * A stock `@WebSocketGateway` on our lifecycle: the server object its adapter hands to Nest. Clients are the `ws`
 * sockets that gateways are written for; the connection around each of them keeps the limits, the registry and the
 * drain.
 */
export class GatewayServer extends WsLikeServer implements ServedEndpoint {
  readonly #clients = new Map<unknown, GatewayClient>();
  readonly #singletons: readonly DiscoveredGateway[];
  readonly #scoped: readonly DiscoveredGateway[];
  readonly metatype: Type;
  readonly port: number;
  readonly bootHandlers: EndpointHandlers;
  #settings: EndpointSettings | undefined;

  constructor(
    address: WsLikeAddress,
    options: GatewayOptions,
    /** The gateways on this server. */
    gateways: readonly DiscoveredGateway[],
    private readonly tools: GatewayTools,
  ) {
    super(options, address);
    this.metatype = gateways[0]?.metatype ?? GatewayServer;
    this.port = address.port;
    this.#scoped = gateways.filter(({ isScoped }) => isScoped);
    this.#singletons = gateways.filter(({ isScoped }) => !isScoped);
    this.bootHandlers = this.#handlers();
  }

  get name(): string {
    return this.metatype.name;
  }

  get settings(): EndpointSettings {
    if (this.#settings === undefined) throw new Error(`${this.name} is used before the application is initialized.`);
    return this.#settings;
  }

  /** Subprotocols that the module serves. */
  get protocols(): readonly string[] {
    return this.settings.protocols;
  }

  /** Gateways are registered before options are resolved, so they come later. @throws ConfigurationError */
  async configure(settings: AdapterSettings): Promise<void> {
    const { options } = this;
    const own = { ...toEndpointOptions(options, settings.names), handshake: handshakeOf(this) };
    this.#settings = await settings.gatewaySettings(own, this.name, {
      ...toSocketOptions(options),
      onHeaders: (lines, request) => this.emit('headers', lines, request),
    });
  }

  handlersFor(): EndpointHandlers {
    return this.bootHandlers;
  }

  handlersToRecover(): EndpointHandlers {
    return this.bootHandlers;
  }

  onConnect(callback: GatewayConnect): void {
    this.on('connection', callback);
  }

  onDisconnect(client: unknown, callback: (reason: unknown) => unknown): void {
    this.#clients.get(client)?.onDisconnect(callback);
  }

  bindMessages(client: unknown, handlers: readonly WsMessageHandler[]): void {
    this.#clients.get(client)?.bind(handlers);
  }

  #handlers(): EndpointHandlers {
    return {
      handshake: () => NO_ARGUMENTS,
      recoverHandshake: () => UNHANDLED,
      establish: (connection) => this.#establish(connection),
      recoverEstablish: () => UNHANDLED,
      anyMessage: this.#messageHandler(),
      binaryMessage: this.#messageHandler(),
      events: new Map(),
      finish: (connection, end) => this.#finish(connection, end as FinishInfo),
      error: undefined,
      parts: [],
    };
  }

  #establish(connection: ServedConnection): Promise<unknown> | undefined {
    if (this.#scoped.length === 0) return this.#connect(connection, this.#singletons);
    return Promise.all(this.#scoped.map((gateway) => this.#load(gateway, connection))).then((scoped) =>
      connection.state === 'establishing' ? this.#connect(connection, [...this.#singletons, ...scoped]) : undefined,
    );
  }

  async #load(gateway: DiscoveredGateway, { raw }: Connection): Promise<Instantiated> {
    const instance = await this.tools.instances.load(gateway, raw as object);
    catchHookErrors(gateway.metatype, instance);
    return { ...gateway, instance };
  }

  #connect(connection: ServedConnection, gateways: readonly Instantiated[]): Promise<unknown> | undefined {
    const raw = connection.raw as object;
    const client = new GatewayClient(
      connection,
      having('handleConnection', gateways),
      having('handleDisconnect', gateways),
    );
    this.#clients.set(raw, client);
    watchHooks(raw, {
      called: (hook, ...call) => (hook === 'handleConnection' ? client.connects : client.disconnects).note(...call),
      failed: (hook, metatype, call) => this.#hookFailed(connection, hook, gatewayOf(metatype, gateways), call),
    });
    this.admit(raw as EventEmitter);
    this.emit('connection', raw, connection.context.raw);
    const { connects } = client;
    const pending = connects.settle(this.settings.handshakeTimeoutMs);
    if (pending === undefined) return undefined;
    connection.signal.addEventListener('abort', connects.abandon);
    return this.#warnWhenLate(pending, connects);
  }

  async #hookFailed(
    connection: ServedConnection,
    hook: HookName,
    gateway: Instantiated | undefined,
    call: FailedCall,
  ): Promise<void> {
    if (gateway !== undefined) await recoverHook(this.tools.filters, { gateway, hook, ...call });
    if (hook === 'handleConnection') connection.end(internalError(call.error));
  }

  /** Messages wait for `handleConnection`, so one that awaits a message of its client never ends. */
  #warnWhenLate(pending: Promise<unknown>, connects: HookCalls): Promise<unknown> {
    const { handshakeTimeoutMs } = this.settings;
    if (handshakeTimeoutMs === 0) return pending;
    const warn = (): void => {
      if (connects.running === '') return;
      log.warn(
        this.name,
        `${connects.running} goes on for ${handshakeTimeoutMs} ms, and the messages of its client wait for it. One that ` +
          'awaits such a message never ends: take the message in a method with @SubscribeMessage, and let the hook return.',
      );
    };
    const timer = setTimeout(warn, handshakeTimeoutMs).unref();
    return pending.finally(() => clearTimeout(timer));
  }

  #messageHandler(): MessageHandler {
    return {
      invoke: (connection, payload) => {
        const message = this.tools.parser.read(payload as string | Buffer);
        return message === undefined
          ? undefined
          : this.#clients.get(connection.raw)?.handle(message.event, message.data);
      },
      recover: () => UNHANDLED,
    };
  }

  #finish({ raw }: Connection, { code }: FinishInfo): Promise<unknown> | undefined {
    const client = this.#clients.get(raw);
    this.#clients.delete(raw);
    client?.disconnected(code);
    return client?.disconnects.settle(this.settings.handshakeTimeoutMs);
  }
}

function gatewayOf(metatype: Type, gateways: readonly Instantiated[]): Instantiated | undefined {
  return gateways.find((gateway) => gateway.metatype === metatype);
}

function having(hook: HookName, gateways: readonly Instantiated[]): Type[] {
  return gateways.filter(({ instance }) => hook in instance).map(({ metatype }) => metatype);
}
