import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Type } from '@nestjs/common';
import type { CompressionOptions } from '../connection/compression.options.js';
import type { ConnectionLimits } from '../limits/connection-limits.js';
import type { HeartbeatOptions } from '../limits/heartbeat.options.js';
import type { LimitsOptions } from '../limits/limits.options.js';
import type { MessageRates } from '../limits/message-rates.js';
import type { PublicNames } from '../request/public-names.js';
import type { RequestContext } from '../request/request-context.js';
import type { MaybePromise } from '../async/maybe-promise.js';
import type { Serializer } from '../serializer/serializer.js';
import { compileEndpoint, compileFirstGuards, type FirstGuards } from './pipeline/compiled-endpoint.js';
import type { EndpointHandlers } from './pipeline/endpoint-handlers.js';
import type { AroundOption, LoginEnd, OriginOption, UpgradeMiddleware } from './endpoint.options.js';
import type { ConnectionContextId, EndpointProvider, EnhancerFinder, HandlerProvider } from './pipeline/enhancers.js';
import type { HandshakeHook, LoginHook } from './handshake-hook.js';
import type { PathPattern } from '../routing/path-pattern.js';

/** The options of one endpoint, resolved: defaults and the module's options filled in, classes instantiated. */
export interface EndpointSettings {
  readonly serializer: Serializer;
  /** The module's before the endpoint's. */
  readonly handshakes: readonly HandshakeHook[];
  readonly login: LoginHook | undefined;
  readonly expiresAt: LoginEnd | undefined;
  readonly origin: OriginOption;
  /** Names under which the application is reached. */
  readonly names: PublicNames;
  readonly protocols: readonly string[];
  /** A client that offers none of `protocols` is refused. */
  readonly isProtocolRequired: boolean;
  /** Hosts that it is served for; `undefined` for all. */
  readonly host: PublicNames | undefined;
  readonly concurrency: number;
  readonly limits: LimitsOptions;
  /** Absent where `limits.rate` is not set. */
  readonly rates?: MessageRates | undefined;
  /** Counts the connections of this endpoint alone, where it has limits of its own for that. */
  readonly connectionLimits: ConnectionLimits | undefined;
  /** `undefined` when compression is off. */
  readonly compression: CompressionOptions | undefined;
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  /** `undefined` when it is off. */
  readonly heartbeat: HeartbeatOptions | undefined;
  readonly middleware: readonly UpgradeMiddleware[];
  /** Absent where code of the application runs by itself. */
  readonly around?: AroundOption | undefined;
  /** What only a stock gateway has to say, about its sockets; absent for endpoints. */
  readonly ws?: GatewaySockets;
}

/** What a stock gateway says about its sockets in the words of `ws`. */
export interface GatewaySockets {
  /** Options of its server. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Options of permessage-deflate, where it has some of its own. */
  readonly deflate: object | undefined;
  /** May add lines to the head of a 101, as a listener for `'headers'` does. */
  onHeaders(lines: string[], request: IncomingMessage): void;
}

/** Makes the instances of one connection, for endpoints with a class of request scope. */
export abstract class ScopedInstances {
  /** Names the scope of one connection; `@Inject(REQUEST)` yields the request context in it. */
  abstract open(provider: EndpointProvider, context: RequestContext): ConnectionContextId;
  /** Builds the instance of a class in that scope with everything it needs. */
  abstract load(provider: HandlerProvider, contextId: ConnectionContextId): Promise<object>;
}

/** What the lifecycle needs of an endpoint, and of a gateway that is served like one. */
export interface ServedEndpoint {
  readonly name: string;
  /** The class that connections name as their endpoint. */
  readonly metatype: Type;
  readonly pattern: PathPattern;
  /** Those of its other versions. */
  readonly otherPatterns?: readonly PathPattern[];
  readonly settings: EndpointSettings;
  /** Handlers that need no connection; for an endpoint of request scope only the handshake of them is usable. */
  readonly bootHandlers: EndpointHandlers;
  /**
   * The handlers for one connection: the same for all, or built for this one when anything is of request scope. The guards that
   * need nothing of it are asked before; what they throw comes through.
   */
  handlersFor(context: RequestContext, response: () => ServerResponse): MaybePromise<EndpointHandlers>;
  /** The handlers whose exception filters take what was thrown before there were those of `handlersFor`. */
  handlersToRecover(context: RequestContext): MaybePromise<EndpointHandlers>;
}

/** One endpoint class of the running application. */
export class Endpoint implements ServedEndpoint {
  #boot: EndpointHandlers | undefined;
  /** One instance of each class serves all connections. */
  readonly #isStatic: boolean;
  #hasStaticFilters = true;
  #askFirst: FirstGuards | undefined;
  /** Built, or being built, for connections with something of request scope. */
  readonly #scoped = new WeakMap<RequestContext, Promise<EndpointHandlers>>();

  constructor(
    readonly provider: EndpointProvider,
    readonly pattern: PathPattern,
    readonly settings: EndpointSettings,
    private readonly finder: EnhancerFinder,
    private readonly scopes: ScopedInstances,
    readonly otherPatterns: readonly PathPattern[] = [],
  ) {
    this.#isStatic = [provider, ...provider.parts].every(({ isStatic }) => isStatic);
  }

  get metatype(): Type {
    return this.provider.definition.metatype;
  }

  get name(): string {
    return this.metatype.name;
  }

  /** Its class with its parts, for the lines at boot. */
  get title(): string {
    const parts = this.provider.parts.map(({ definition: { metatype, events } }) => {
      const count = events.size === 0 ? '' : ` (${events.size} event${events.size === 1 ? '' : 's'})`;
      return ` + ${metatype.name}${count}`;
    });
    return `${this.name}${parts.join('')}`;
  }

  get bootHandlers(): EndpointHandlers {
    if (this.#boot === undefined) throw new Error(`${this.name} is used before the application is initialized.`);
    return this.#boot;
  }

  /** Compiles the handlers once, after the application's `useGlobal…` calls. An endpoint of request scope waits. */
  compile(): void {
    // Compiling the prototype of a scoped endpoint as well finds mistakes in its decorators at boot.
    this.#boot = compileEndpoint(this.finder, this.provider);
    if (this.#isStatic) return;
    this.#askFirst = compileFirstGuards(this.finder, this.provider);
    this.#hasStaticFilters = this.finder.hasStaticFilters(this.provider, this.provider.definition.establish);
  }

  handlersFor(context: RequestContext, response: () => ServerResponse): MaybePromise<EndpointHandlers> {
    return this.#isStatic ? this.bootHandlers : this.#admit(context, response);
  }

  handlersToRecover(context: RequestContext): MaybePromise<EndpointHandlers> {
    return this.#hasStaticFilters ? this.bootHandlers : this.#scopedFor(context);
  }

  async #admit(context: RequestContext, response: () => ServerResponse): Promise<EndpointHandlers> {
    // A guard may look for the scope of its connection.
    const contextId = this.scopes.open(this.provider, context);
    await this.#askFirst?.(context, response);
    context.insistOnClient();
    return this.#scopedFor(context, contextId);
  }

  #scopedFor(context: RequestContext, contextId = this.scopes.open(this.provider, context)): Promise<EndpointHandlers> {
    const known = this.#scoped.get(context);
    if (known !== undefined) return known;
    const built = this.#compileScoped(contextId);
    this.#scoped.set(context, built);
    return built;
  }

  async #compileScoped(contextId: ConnectionContextId): Promise<EndpointHandlers> {
    const { provider } = this;
    const own = await this.#load(provider, contextId);
    const parts: HandlerProvider[] = [];
    for (const part of provider.parts) parts.push(await this.#load(part, contextId));
    return compileEndpoint(this.finder, { ...own, parts }, contextId);
  }

  /** The provider as it is in one scope: singletons are the same in all of them. */
  async #load<Provider extends HandlerProvider>(provider: Provider, contextId: ConnectionContextId): Promise<Provider> {
    return provider.isStatic ? provider : { ...provider, instance: await this.scopes.load(provider, contextId) };
  }
}
