import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { Injectable, Logger, type Type, type WebSocketAdapter, type WsMessageHandler } from '@nestjs/common';
import {
  ApplicationConfig,
  HttpAdapterHost,
  ModulesContainer,
  SerializedGraph,
  type AbstractHttpAdapter,
} from '@nestjs/core';
import { ByteBudget } from '../connection/byte-budget.js';
import { ConnectionLimits } from '../connection/connection-limits.js';
import { ConnectionRegistry } from '../connection/connection-registry.js';
import { CurrentConnection } from '../connection/current-connection.js';
import { EventLoopDelay } from '../connection/event-loop-delay.js';
import { Heartbeat } from '../connection/heartbeat.js';
import { Endpoint, ScopedInstances, type ServedEndpoint } from '../endpoint/endpoint.js';
import { EndpointExplorer } from '../endpoint/endpoint-explorer.js';
import { EnhancerFinder } from '../endpoint/enhancers.js';
import { joinPath, PathPattern } from '../endpoint/path-pattern.js';
import { PathRouter } from '../endpoint/path-router.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { ConnectionLifecycle } from '../lifecycle/connection-lifecycle.js';
import { Drain } from '../lifecycle/finish/drain.js';
import { Admission } from '../lifecycle/upgrade/admission.js';
import { Refusal } from '../lifecycle/upgrade/refusal.js';
import { AdapterSettings } from './adapter-settings.js';
import { EndpointServer } from './endpoint-server.js';
import { EndpointUrls } from './endpoint-url.js';
import { guardGateway, type HookName } from './gateway-guard.js';
import { GatewayServer, type GatewayConnect } from './gateway-server.js';
import { assertNestMetadata, describeEntrypoints, findGateways } from './nest-internals.js';
import { answerPlainHttp } from './plain-http.js';
import { WsAcceptor } from './ws/ws-acceptor.js';

/** What `@WebSocketGateway` may say about its server. */
interface GatewayOptions {
  readonly path?: string;
  readonly namespace?: unknown;
}

/**
 * Serves the endpoints of an application on its HTTP server: the one place that touches the server and `ws`.
 *
 * It is a `WebSocketAdapter` of Nest as well: with `forRoot({ gateways: true })`, or
 * `app.useWebSocketAdapter(app.get(PlackWsAdapter))` before the application is initialized, stock `@WebSocketGateway`
 * classes run on it with the handshake, limits, registry and drain of the module.
 *
 * In an application context or a microservice, which have no HTTP server, it does nothing.
 *
 * @example
 * ```ts
 * const detach = app.get(PlackWsAdapter).attach(createServer(tlsOptions).listen(8443));
 * ```
 */
@Injectable()
export class PlackWsAdapter implements WebSocketAdapter<GatewayServer> {
  readonly #logger = new Logger('PlackWebSocket');
  readonly #gateways: GatewayServer[] = [];
  readonly #servers: EndpointServer[] = [];
  readonly #ownPorts = new Map<number, Server>();
  #endpoints: readonly Endpoint[] = [];
  #lifecycle: ConnectionLifecycle | undefined;
  #heartbeat: Heartbeat | undefined;
  #drain: Drain | undefined;
  #eventLoopDelay: EventLoopDelay | undefined;

  /** @internal */
  constructor(
    private readonly httpHost: HttpAdapterHost,
    private readonly settings: AdapterSettings,
    private readonly explorer: EndpointExplorer,
    private readonly registry: ConnectionRegistry,
    private readonly finder: EnhancerFinder,
    private readonly scopes: ScopedInstances,
    private readonly modules: ModulesContainer,
    private readonly graph: SerializedGraph,
    private readonly current: CurrentConnection,
    config: ApplicationConfig,
  ) {
    // Nest binds gateways before any lifecycle hook runs, so the slot has to be taken now.
    if (settings.gateways) config.setIoAdapter(this);
  }

  /**
   * Finds the endpoints and takes their upgrades; until `accept` they are answered with 503. Called by the module.
   * @throws ConfigurationError for anything that is wrong with options or classes.
   */
  async start(): Promise<void> {
    assertNestMetadata();
    // A missing platform package and an application context both leave no adapter behind.
    const http = this.httpHost.httpAdapter as AbstractHttpAdapter | undefined | null;
    if (http === undefined || http === null) return;
    const server = httpServerOf(http);
    const { settings, registry } = this;
    this.#endpoints = await this.#findEndpoints();
    for (const gateway of this.#gateways) gateway.configure(await settings.gatewaySettings());
    if (settings.heartbeat !== undefined) this.#heartbeat = new Heartbeat(() => registry.all(), settings.heartbeat);
    this.#drain = new Drain(registry, settings.shutdown);
    const { established, ended, stragglers } = this.#drain;
    const budget = new ByteBudget(settings.limits.maxTotalQueuedBytes);
    if (settings.limits.maxEventLoopDelayMs !== undefined) this.#eventLoopDelay = new EventLoopDelay();
    this.#lifecycle = new ConnectionLifecycle(
      new WsAcceptor(),
      new Refusal(await settings.errorHook(), settings.handshakeTimeoutMs),
      { registry, current: this.current, budget, established, ended, stragglers },
      new Admission({
        registry,
        maxPendingHandshakes: settings.limits.maxPendingHandshakes,
        limits: new ConnectionLimits(settings.limits, settings.userId),
        eventLoopDelay: this.#eventLoopDelay,
        maxEventLoopDelayMs: settings.limits.maxEventLoopDelayMs ?? 0,
      }),
    );
    registry.buildUrlsWith(new EndpointUrls(this.#endpoints, server, settings.proxies).build);
    const main = this.#serve(server, [...this.#endpoints, ...this.#gateways.filter(({ port }) => port === 0)]);
    answerPlainHttp(http, (request, response) => main.answer(request, response));
    for (const gateway of this.#gateways) if (gateway.port !== 0) this.#serveOwnPort(gateway.port);
    this.#drainBeforeClose(http);
  }

  /**
   * Compiles the handlers and takes upgrades: everything the application sets globally is set by now. Called by the module.
   */
  async accept(): Promise<void> {
    if (this.#lifecycle === undefined) return;
    for (const endpoint of this.#endpoints) {
      endpoint.compile();
      describeEntrypoints(this.graph, endpoint.host, endpoint.pattern.source);
    }
    for (const { name, pattern, port } of [...this.#endpoints.map(asMapped), ...this.#gateways]) {
      this.#logger.log(`Mapped {${pattern.source}, WS} ${name}${port === 0 ? '' : ` on port ${port}`}`);
    }
    this.#heartbeat?.start();
    this.#eventLoopDelay?.start();
    if (this.registry.state === 'starting') this.registry.moveTo('accepting');
    for (const [port, server] of this.#ownPorts) {
      server.listen(port);
      await once(server, 'listening');
    }
  }

  /**
   * Serves the endpoints on a further HTTP or HTTPS server as well, such as a second one for TLS. The application keeps
   * the server: it listens and closes it.
   *
   * @returns a function that takes off what was attached.
   * @throws ConfigurationError before the application is initialized.
   */
  attach(server: Server): () => void {
    if (this.#lifecycle === undefined) {
      throw new ConfigurationError(
        'A further server can be attached once the application is initialized (app.init()).',
      );
    }
    const attached = this.#serve(server, [...this.#endpoints, ...this.#gateways.filter(({ port }) => port === 0)]);
    return () => attached.detach();
  }

  /** Ends all connections politely; once, however often it is called. Called by the module. Never rejects. */
  async drain(): Promise<void> {
    const drained = this.#drain?.run();
    this.#lifecycle?.refuseUndecided();
    await drained;
    this.#heartbeat?.stop();
    this.#eventLoopDelay?.stop();
  }

  /**
   * Takes off what was attached to HTTP servers, and closes those that gateways have for themselves. Called by the module.
   */
  detach(): void {
    for (const server of this.#servers) server.detach();
    for (const server of this.#ownPorts.values()) server.close();
    this.#ownPorts.clear();
  }

  /**
   * Part of Nest's `WebSocketAdapter`: makes the server of a stock gateway.
   * @throws ConfigurationError for a gateway with a namespace.
   */
  create(port: number, options: GatewayOptions = {}): GatewayServer {
    const path = options.path ?? '';
    if (options.namespace !== undefined) {
      throw new ConfigurationError(
        'PlackWsAdapter knows no namespaces, which belong to socket.io. Use a path for each gateway.',
      );
    }
    const pattern = new PathPattern(joinPath(path));
    const gateways = findGateways(this.modules);
    for (const { metatype, instance } of gateways) guardGateway(metatype, instance);
    const served = gateways.filter(
      (gateway) => gateway.port === port && joinPath(gateway.path ?? '') === pattern.source,
    );
    const having = (hook: HookName): Type[] =>
      served.filter(({ instance }) => hook in instance).map(({ metatype }) => metatype);
    const server = new GatewayServer(served[0]?.metatype ?? GatewayServer, pattern, port, {
      handleConnection: having('handleConnection'),
      handleDisconnect: having('handleDisconnect'),
    });
    this.#gateways.push(server);
    return server;
  }

  /** Part of Nest's `WebSocketAdapter`. */
  bindClientConnect(server: GatewayServer, callback: GatewayConnect): void {
    server.onConnect(callback);
  }

  /** Part of Nest's `WebSocketAdapter`; the callback gets the close code, as from the stock adapter. */
  bindClientDisconnect(client: unknown, callback: (reason: unknown) => unknown): void {
    for (const gateway of this.#gateways) gateway.onDisconnect(client, callback);
  }

  /** Part of Nest's `WebSocketAdapter`. */
  bindMessageHandlers(client: unknown, handlers: WsMessageHandler[]): void {
    for (const gateway of this.#gateways) gateway.bindMessages(client, handlers);
  }

  /** Part of Nest's `WebSocketAdapter`. The drain has closed the clients by now. */
  async close(_server: GatewayServer): Promise<void> {
    await this.drain();
  }

  /** Part of Nest's adapters. */
  dispose(): void {
    this.detach();
  }

  #serve(server: Server, targets: readonly ServedEndpoint[]): EndpointServer {
    const router = new PathRouter(
      targets.map((target) => ({ pattern: target.pattern, target })),
      ({ name }) => name,
    );
    const attached = new EndpointServer(server, router, this.#lifecycle as ConnectionLifecycle, this.settings.proxies);
    attached.attach();
    this.#servers.push(attached);
    return attached;
  }

  #serveOwnPort(port: number): void {
    if (this.#ownPorts.has(port)) return;
    const server = createServer((_request, response) => {
      // A port of its own serves nothing but WebSockets.
      response.writeHead(426, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }).end();
    });
    this.#ownPorts.set(port, server);
    this.#serve(
      server,
      this.#gateways.filter((gateway) => gateway.port === port),
    );
  }

  async #findEndpoints(): Promise<Endpoint[]> {
    const { settings, finder, scopes } = this;
    const found: Endpoint[] = [];
    for (const host of this.explorer.explore()) {
      // Checks the options, the path among them.
      const own = await settings.settingsOf(host.definition);
      found.push(new Endpoint(host, new PathPattern(settings.pathOf(host.definition)), own, finder, scopes));
    }
    return found;
  }

  /**
   * Drains before any module is destroyed: Nest calls `beforeClose` of the HTTP adapter first of all, while its hooks
   * destroy a global module last, after the database that `@OnFinish` writes to.
   */
  #drainBeforeClose(http: AbstractHttpAdapter): void {
    // Nest awaits it, whatever its abstract adapter declares: `HttpServer.beforeClose` may return a promise.
    const awaited: { beforeClose?: () => unknown } = http;
    const beforeClose = awaited.beforeClose?.bind(http);
    awaited.beforeClose = async (): Promise<void> => {
      await beforeClose?.();
      await this.drain();
    };
  }
}

function httpServerOf(http: AbstractHttpAdapter): Server {
  const server = http.getHttpServer() as Server | undefined;
  if (typeof server?.emit === 'function' && typeof server.on === 'function') return server;
  throw new ConfigurationError(
    'not supported by the server: the HTTP adapter has no Node HTTP server, so nothing can be upgraded. ' +
      'Use @nestjs/platform-express or @nestjs/platform-fastify.',
  );
}

function asMapped({ name, pattern }: Endpoint): { name: string; pattern: PathPattern; port: number } {
  return { name, pattern, port: 0 };
}
