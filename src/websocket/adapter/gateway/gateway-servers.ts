import { Injectable, type Type, type WebSocketAdapter, type WsMessageHandler } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { ServedEndpoint } from '../../endpoint/endpoint.js';
import { joinPath, PathPattern } from '../../routing/path-pattern.js';
import type { PathRouter } from '../../routing/path-router.js';
import { AdapterSettings } from '../adapter-settings.js';
import { findGateways, type DiscoveredGateway } from '../nest/gateway-discovery.js';
import { GatewayFilters } from '../nest/gateway-filters.js';
import { GatewayInstances } from '../nest/gateway-instances.js';
import { insistOnOtherPaths, insistOnOurAdapter } from './foreign-gateways.js';
import { catchHookErrors } from './gateway-hooks.js';
import { joinOptions, type GatewayOptions } from './gateway-options.js';
import { GatewayServer } from './gateway-server.js';
import { MessageParser, type GatewayMessageParser } from './message-parser.js';
import type { WsLikeAddress } from './ws-like-server.js';

/** The servers that Nest asked for: one for each port and path that stock gateways name. */
@Injectable()
export class GatewayServers {
  readonly #servers: GatewayServer[] = [];
  readonly #checked = new Set<Type>();
  readonly #parser = new MessageParser();
  #adapter: unknown;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly settings: AdapterSettings,
    private readonly instances: GatewayInstances,
    private readonly filters: GatewayFilters,
  ) {}

  get all(): readonly GatewayServer[] {
    return this.#servers;
  }

  /** Takes `adapter` for the one that these servers are made for. */
  belongTo(adapter: unknown): void {
    this.#adapter = adapter;
    // Nest binds gateways before any lifecycle hook runs, so the slot has to be taken now.
    if (this.settings.gateways) this.config.setIoAdapter(adapter as WebSocketAdapter);
  }

  /** Those on the application's own server. */
  get shared(): readonly GatewayServer[] {
    return this.#servers.filter(({ port }) => port === 0);
  }

  /** Makes sure that each gateway is served by one adapter, and can be reached there. @throws ConfigurationError */
  checkPlaces(endpoints: PathRouter<ServedEndpoint>): void {
    const ours = this.#adapter;
    const adapter = this.config.getIoAdapter() as unknown;
    if (this.settings.gateways) insistOnOurAdapter(adapter, ours);
    if (adapter !== ours) insistOnOtherPaths(findGateways(this.modules), adapter, endpoints);
  }

  /** @throws ConfigurationError for an option that this adapter cannot honour. */
  create(port: number, options: GatewayOptions): GatewayServer {
    const gateways = findGateways(this.modules).filter((gateway) => gateway.port === port);
    for (const gateway of gateways) this.#check(gateway);
    if (gateways.length === 0) this.settings.checkGateway(options, port, 'a gateway');
    for (const { metatype, instance } of gateways) catchHookErrors(metatype, instance);
    const address = toAddress(port, options.path);
    const served = gateways.filter(({ path }) => toAddress(port, path).pattern.source === address.pattern.source);
    const server = new GatewayServer(address, served.length === 0 ? options : joinOptions(served), served, {
      instances: this.instances,
      filters: this.filters,
      parser: this.#parser,
    });
    this.#servers.push(server);
    return server;
  }

  #check({ metatype, port, options }: DiscoveredGateway): void {
    if (this.#checked.has(metatype)) return;
    this.#checked.add(metatype);
    this.settings.checkGateway(options, port, metatype.name);
  }

  /** Reads messages with this from now on. */
  parseWith(parse: GatewayMessageParser): void {
    this.#parser.use(parse);
  }

  onDisconnect(client: unknown, callback: (reason: unknown) => unknown): void {
    for (const server of this.#servers) server.onDisconnect(client, callback);
  }

  bindMessages(client: unknown, handlers: readonly WsMessageHandler[]): void {
    for (const server of this.#servers) server.bindMessages(client, handlers);
  }
}

/** A port without a path serves every path, as a server of `ws` does. */
function toAddress(port: number, path: string | undefined): WsLikeAddress {
  const isEverywhere = port !== 0 && (path ?? '') === '';
  const pattern = new PathPattern(isEverywhere ? '/{*path}' : joinPath(path ?? ''));
  return { port, path: isEverywhere ? undefined : pattern.source, pattern };
}
