import type { Server } from 'node:http';
import { Injectable, Logger, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer, SerializedGraph, type AbstractHttpAdapter } from '@nestjs/core';
import { CurrentConnection } from '../connection/current-connection.js';
import { describeMissingTypes } from '../endpoint/definition/parameter-checks.js';
import { EndpointExplorer } from '../endpoint/definition/endpoint-explorer.js';
import { Endpoint, ScopedInstances, type ServedEndpoint } from '../endpoint/endpoint.js';
import { EnhancerFinder } from '../endpoint/pipeline/enhancers.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { ConnectionLifecycle } from '../lifecycle/connection-lifecycle.js';
import { Drain } from '../lifecycle/finish/drain.js';
import { Admission } from '../lifecycle/upgrade/admission.js';
import { HandshakeRate } from '../lifecycle/upgrade/handshake-rate.js';
import { Refusal } from '../lifecycle/upgrade/refusal.js';
import { ByteLedger } from '../limits/byte-ledger.js';
import { ConnectionLimits } from '../limits/connection-limits.js';
import { EventLoopDelay } from '../limits/event-loop-delay.js';
import { defaultQueueBytes } from '../limits/queue-memory.js';
import { ConnectionRegistry } from '../registry/connection-registry.js';
import { Ticker } from '../registry/ticker.js';
import { log } from '../log/log.js';
import { PathPattern } from '../routing/path-pattern.js';
import { PathRouter } from '../routing/path-router.js';
import { AdapterSettings } from './adapter-settings.js';
import { keysOf } from './endpoint-keys.js';
import { GatewayServers } from './gateway/gateway-servers.js';
import { OwnPorts } from './gateway/own-ports.js';
import { areApart } from './http/endpoint-choice.js';
import { EndpointServer } from './http/endpoint-server.js';
import { EndpointUrls } from './http/endpoint-urls.js';
import { answerPlainHttp } from './http/plain-http.js';
import { beforeDestroy } from './nest/before-destroy.js';
import { describeEntrypoints } from './nest/devtools-graph.js';
import { assertNestMetadata } from './nest/metadata-check.js';
import { WsAcceptor } from './ws/ws-acceptor.js';

/** What runs while the application does. */
interface Parts {
  readonly endpoints: readonly Endpoint[];
  readonly lifecycle: ConnectionLifecycle;
  readonly drain: Drain;
  readonly ticker: Ticker;
  readonly eventLoopDelay: EventLoopDelay | undefined;
}

/** Switches the fast path of reading and sending off, so that tests can prove the way without it. */
function isFastPathOn(): boolean {
  return process.env['PLACK_WS_FAST_PATH'] !== 'off';
}

/**
 * Puts together what serves the endpoints of an application and attaches it to HTTP servers. The module calls it in Nest's
 * lifecycle hooks: `start`, `acceptUpgrades`, `drain`, `detach`. Without an HTTP server all of them do nothing.
 */
@Injectable()
export class ServerAssembly {
  readonly #logger = new Logger('PlackWebSocket');
  readonly #attached: EndpointServer[] = [];
  /** Those on servers that may go on when the application has stopped. */
  readonly #furtherAttached: EndpointServer[] = [];
  readonly #ownPorts = new OwnPorts();
  #parts: Parts | undefined;

  constructor(
    private readonly httpHost: HttpAdapterHost,
    private readonly settings: AdapterSettings,
    private readonly explorer: EndpointExplorer,
    private readonly registry: ConnectionRegistry,
    private readonly finder: EnhancerFinder,
    private readonly scopes: ScopedInstances,
    private readonly graph: SerializedGraph,
    private readonly current: CurrentConnection,
    private readonly gateways: GatewayServers,
    private readonly modules: ModulesContainer,
  ) {}

  /**
   * Finds the endpoints and takes their upgrades; until `acceptUpgrades` they are answered with 503.
   * @throws ConfigurationError for anything that is wrong with options or classes.
   */
  async start(): Promise<void> {
    assertNestMetadata();
    log.restart();
    this.registry.members.users.tellApartBy(this.settings.userId);
    // A missing platform package and an application context both leave no adapter behind.
    const http = this.httpHost.httpAdapter as AbstractHttpAdapter | undefined | null;
    if (http === undefined || http === null) {
      this.registry.buildUrlsWith(refuseUrl);
      this.#joinGroup([]);
      return;
    }
    const server = httpServerOf(http);
    const parts = (this.#parts = await this.#assemble());
    const replaced = parts.endpoints.map(({ provider, metatype }) => [provider.token as Type, metatype] as const);
    this.registry.buildUrlsWith(
      new EndpointUrls(parts.endpoints, server, this.settings.proxies, this.settings.names).build,
      new Map(replaced),
    );
    this.gateways.checkPlaces(routerOf(parts.endpoints));
    const main = this.#serve(parts, server, [...parts.endpoints, ...this.gateways.shared]);
    for (const gateway of this.gateways.shared) gateway.servedBy(server);
    answerPlainHttp(http, (request, response) => main.answer(request, response));
    this.#ownPorts.open(this.gateways.all, (own, gateways) => this.#serve(parts, own, gateways));
    beforeDestroy(this.modules, http, () => this.drain());
  }

  /** Compiles the handlers and takes upgrades: everything the application sets globally is set by now. */
  async acceptUpgrades(): Promise<void> {
    await this.registry.group.open();
    if (this.#parts === undefined) return;
    const { endpoints, ticker, eventLoopDelay } = this.#parts;
    for (const endpoint of endpoints) {
      endpoint.compile();
      describeEntrypoints(this.graph, endpoint.provider, endpoint.pattern.source);
    }
    for (const endpoint of endpoints)
      for (const pattern of patternsOf(endpoint)) this.#logMapped(endpoint.title, pattern);
    for (const { name, pattern, port } of this.gateways.all) this.#logMapped(name, pattern, port);
    this.#warn(this.explorer.reportUnserved());
    const untyped = endpoints.find(({ bootHandlers }) => bootHandlers.untyped !== undefined)?.bootHandlers.untyped;
    if (untyped !== undefined) this.#logger.warn(describeMissingTypes(untyped));
    ticker.start();
    eventLoopDelay?.start();
    if (this.registry.state === 'starting') this.registry.moveTo('accepting');
    await this.#ownPorts.listen();
  }

  /** Serves the endpoints on a further server; gives a function that takes off what was attached. */
  attach(server: Server): () => void {
    if (this.#parts === undefined) {
      throw new ConfigurationError(
        'A further server can be attached once the application is initialized (app.init()).',
      );
    }
    const attached = this.#attach(this.#parts, server, [...this.#parts.endpoints, ...this.gateways.shared]);
    this.#furtherAttached.push(attached);
    return () => attached.detach();
  }

  /** Ends all connections politely. The first call does it, later calls wait for it. Never rejects. */
  async drain(): Promise<void> {
    if (this.#parts !== undefined) {
      const { drain, lifecycle, ticker, eventLoopDelay } = this.#parts;
      const drained = drain.run();
      lifecycle.refuseUndecided();
      await drained;
      ticker.stop();
      eventLoopDelay?.stop();
    }
    // What was said while connections ended still goes to the other nodes.
    await this.registry.group.close();
  }

  /**
   * Takes off what was attached to further servers, and closes those that gateways have for themselves. A server of the
   * application answers with 503 until it has closed: sockets that were opened before the stop may ask late.
   */
  detach(): void {
    for (const attached of this.#furtherAttached) attached.detach();
    for (const attached of this.#attached) attached.detachWhenClosed();
    this.#ownPorts.close();
  }

  async #assemble(): Promise<Parts> {
    const { settings, registry, current } = this;
    const { limits } = settings;
    const endpoints = await this.#findEndpoints();
    for (const gateway of this.gateways.all) await gateway.configure(settings);
    registry.encodeWith(
      [...endpoints, ...this.gateways.all].map(({ settings: { serializer }, metatype: endpoint }) => ({
        serializer,
        endpoint,
      })),
    );
    this.#joinGroup([...endpoints, ...this.gateways.all]);
    const eventLoopDelay = limits.maxEventLoopDelayMs === undefined ? undefined : new EventLoopDelay();
    const drain = new Drain(registry, settings.shutdown);
    const lifecycle = new ConnectionLifecycle(
      new WsAcceptor(isFastPathOn()),
      new Refusal(await settings.errorHook(), settings.handshakeTimeoutMs),
      { registry, current, ledger: this.#ledger(limits.maxTotalQueuedBytes), drain },
      new Admission({
        registry,
        maxPendingHandshakes: limits.maxPendingHandshakes,
        maxPendingHandshakesPerIp: limits.maxPendingHandshakesPerIp,
        handshakeRate:
          limits.handshakesPerMinutePerIp === undefined
            ? undefined
            : new HandshakeRate(limits.handshakesPerMinutePerIp),
        limits: new ConnectionLimits(limits, settings.userId),
        eventLoopDelay,
        maxEventLoopDelayMs: limits.maxEventLoopDelayMs ?? 0,
      }),
    );
    const ticker = new Ticker(registry.members, [...endpoints, ...this.gateways.all]);
    return { endpoints, lifecycle, drain, ticker, eventLoopDelay };
  }

  /** @throws ConfigurationError */
  #joinGroup(targets: readonly ServedEndpoint[]): void {
    const { backplane } = this.settings;
    if (backplane === undefined) return;
    this.registry.group.join(backplane, keysOf(targets));
  }

  #ledger(maxTotalQueuedBytes: number | undefined): ByteLedger {
    const maxBytes = maxTotalQueuedBytes ?? defaultQueueBytes();
    const whence = maxTotalQueuedBytes === undefined ? ', an eighth of heap, container or machine' : '';
    log.debug('limits', () => `limits.maxTotalQueuedBytes is ${maxBytes} bytes${whence}.`);
    return new ByteLedger(maxBytes);
  }

  async #findEndpoints(): Promise<Endpoint[]> {
    const { settings, finder, scopes } = this;
    const found: Endpoint[] = [];
    for (const discovered of this.explorer.explore()) {
      const provider = { ...discovered, definition: await settings.definitionOf(discovered.definition) };
      // Checks the options, the path among them.
      const own = await settings.settingsOf(provider.definition);
      const [path, ...others] = settings.pathsOf(provider.definition);
      const otherPatterns = others.map((other) => new PathPattern(other));
      found.push(new Endpoint(provider, new PathPattern(path), own, finder, scopes, otherPatterns));
    }
    return found;
  }

  #serve(parts: Parts, server: Server, targets: readonly ServedEndpoint[]): EndpointServer {
    const attached = this.#attach(parts, server, targets);
    this.#attached.push(attached);
    return attached;
  }

  #attach({ lifecycle }: Parts, server: Server, targets: readonly ServedEndpoint[]): EndpointServer {
    const router = routerOf(targets);
    const { proxies, handshakeTimeoutMs } = this.settings;
    const warn = (): void => this.#warn(this.explorer.reportNewlyUnserved());
    const attached = new EndpointServer(server, router, lifecycle, proxies, warn, handshakeTimeoutMs);
    attached.attach();
    return attached;
  }

  #warn(sentences: readonly string[]): void {
    for (const sentence of sentences) this.#logger.warn(sentence);
  }

  #logMapped(name: string, { source }: PathPattern, port = 0): void {
    this.#logger.log(`Mapped {${source}, WS} ${name}${port === 0 ? '' : ` on port ${port}`}`);
  }
}

/** @throws ConfigurationError for two that serve the same path. */
function routerOf(targets: readonly ServedEndpoint[]): PathRouter<ServedEndpoint> {
  return new PathRouter(
    targets.flatMap((target) => patternsOf(target).map((pattern) => ({ pattern, target }))),
    ({ name }) => name,
    areApart,
  );
}

function patternsOf({ pattern, otherPatterns = [] }: ServedEndpoint): readonly PathPattern[] {
  return [pattern, ...otherPatterns];
}

function refuseUrl({ name }: Type): never {
  throw new ConfigurationError(
    `${name} has no URL here: this is an application context or a microservice, which has no HTTP server. ` +
      'Build the URL in the application that serves it, or hand it over in the configuration.',
  );
}

function httpServerOf(http: AbstractHttpAdapter): Server {
  const server = http.getHttpServer() as Server | undefined;
  if (typeof server?.emit === 'function' && typeof server.on === 'function') return server;
  throw new ConfigurationError(
    'not supported by the server: the HTTP adapter has no Node HTTP server, so nothing can be upgraded. ' +
      'Use @nestjs/platform-express or @nestjs/platform-fastify.',
  );
}
