import type { Type } from '@nestjs/common';
import type { CompressionOptions } from '../connection/compression.options.js';
import type { ConnectionLimits } from '../connection/connection-limits.js';
import type { LimitsOptions } from '../connection/limits.options.js';
import type { RequestContext } from '../connection/request-context.js';
import type { MaybePromise } from '../connection/settle.js';
import type { Serializer } from '../serializer/serializer.js';
import { compileEndpoint, type EndpointHandlers } from './compiled-endpoint.js';
import type { OriginOption, UpgradeMiddleware } from './endpoint.options.js';
import type { ConnectionContextId, EndpointHost, EnhancerFinder } from './enhancers.js';
import type { HandshakeHook, LoginHook } from './handshake-hook.js';
import type { PathPattern } from './path-pattern.js';

/** The options of one endpoint, resolved: defaults and the module's options filled in, classes instantiated. */
export interface EndpointSettings {
  readonly serializer: Serializer;
  readonly handshake: HandshakeHook | undefined;
  readonly login: LoginHook | undefined;
  readonly origin: OriginOption;
  readonly protocols: readonly string[];
  readonly concurrency: number;
  readonly limits: LimitsOptions;
  /** Counts the connections of this endpoint alone, where it has limits of its own for that. */
  readonly connectionLimits: ConnectionLimits | undefined;
  /** `undefined` when compression is off. */
  readonly compression: CompressionOptions | undefined;
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly middleware: readonly UpgradeMiddleware[];
}

/** Makes the instances of one connection, for endpoints of request scope. */
export abstract class ScopedInstances {
  /** Names the scope of one connection; `@Inject(REQUEST)` yields the request context in it. */
  abstract open(host: EndpointHost, context: RequestContext): ConnectionContextId;
  /** Builds the endpoint's instance of that scope with everything it needs. */
  abstract load(host: EndpointHost, contextId: ConnectionContextId): Promise<object>;
}

/** What the lifecycle needs of whoever serves a path. */
export interface ServedEndpoint {
  readonly name: string;
  /** The class that connections name as their endpoint. */
  readonly metatype: Type;
  readonly pattern: PathPattern;
  readonly settings: EndpointSettings;
  /** Handlers that need no connection; for an endpoint of request scope only the handshake of them is usable. */
  readonly bootHandlers: EndpointHandlers;
  /** The handlers for one connection: the same for all, or built for this one when anything is of request scope. */
  handlersFor(context: RequestContext): MaybePromise<EndpointHandlers>;
}

/** One endpoint class of the running application. */
export class Endpoint implements ServedEndpoint {
  #boot: EndpointHandlers | undefined;

  constructor(
    readonly host: EndpointHost,
    readonly pattern: PathPattern,
    readonly settings: EndpointSettings,
    private readonly finder: EnhancerFinder,
    private readonly scopes: ScopedInstances,
  ) {}

  get metatype(): Type {
    return this.host.definition.metatype;
  }

  get name(): string {
    return this.metatype.name;
  }

  get bootHandlers(): EndpointHandlers {
    if (this.#boot === undefined) throw new Error(`${this.name} is used before the application is initialized.`);
    return this.#boot;
  }

  /** Compiles the handlers once, after the application's `useGlobal…` calls. An endpoint of request scope waits. */
  compile(): void {
    // Compiling the prototype of a scoped endpoint as well finds mistakes in its decorators at boot.
    this.#boot = compileEndpoint(this.finder, this.host, this.host.instance);
  }

  handlersFor(context: RequestContext): MaybePromise<EndpointHandlers> {
    return this.host.isStatic ? this.bootHandlers : this.#compileScoped(context);
  }

  async #compileScoped(context: RequestContext): Promise<EndpointHandlers> {
    const contextId = this.scopes.open(this.host, context);
    const instance = await this.scopes.load(this.host, contextId);
    return compileEndpoint(this.finder, this.host, instance, contextId);
  }
}
