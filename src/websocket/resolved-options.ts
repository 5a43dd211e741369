import { Injectable, VersioningType } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { AdapterSettings } from './adapter/adapter-settings.js';
import { GatewaySerializer } from './adapter/gateway.serializer.js';
import { ConnectionLimits, defaultUserId, type CountLimits, type UserId } from './connection/connection-limits.js';
import { CompressionOptions } from './connection/compression.options.js';
import { HeartbeatOptions } from './connection/heartbeat.js';
import { LimitsOptions } from './connection/limits.options.js';
import { ProxyTrust } from './connection/proxy-trust.js';
import type { EndpointDefinition } from './endpoint/endpoint-definition.js';
import type { EndpointSettings } from './endpoint/endpoint.js';
import type { EndpointOptions } from './endpoint/endpoint.options.js';
import type { ErrorHook, HandshakeHook, LoginHook } from './endpoint/handshake-hook.js';
import { HookResolver } from './endpoint/hook-resolver.js';
import { joinPath } from './endpoint/path-pattern.js';
import { describe } from './errors/describe-error.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import { ShutdownOptions } from './lifecycle/finish/shutdown.options.js';
import { PlackWebSocketOptions, readEndpointOptions } from './plack-websocket.options.js';
import { JsonSerializer } from './serializer/json.serializer.js';
import { RawSerializer } from './serializer/raw.serializer.js';
import { Serializer } from './serializer/serializer.js';

/** The options as the adapter wants them: defaults filled in, classes built, endpoints' own options applied. */
@Injectable()
export class ResolvedOptions extends AdapterSettings {
  override readonly heartbeat: HeartbeatOptions | undefined;
  override readonly shutdown: ShutdownOptions;
  override readonly proxies: ProxyTrust;
  override readonly limits: LimitsOptions;
  override readonly userId: UserId;
  override readonly handshakeTimeoutMs: number;
  override readonly gateways: boolean;
  /** One instance each, so that a broadcast encodes once for all endpoints that share a serializer. */
  readonly #serializers = new Map<unknown, Serializer>([
    ['raw', new RawSerializer()],
    ['json', new JsonSerializer()],
  ]);

  constructor(
    private readonly options: PlackWebSocketOptions,
    private readonly resolver: HookResolver,
    private readonly config: ApplicationConfig,
  ) {
    super();
    const { heartbeat, shutdown, trustProxy, limits } = options;
    this.heartbeat = heartbeat === false ? undefined : Object.assign(new HeartbeatOptions(), heartbeat);
    this.shutdown = Object.assign(new ShutdownOptions(), shutdown);
    this.proxies = toProxyTrust(trustProxy);
    this.gateways = options.gateways;
    this.handshakeTimeoutMs = options.handshakeTimeoutMs;
    this.limits = Object.assign(new LimitsOptions(), limits);
    this.userId = options.userId ?? defaultUserId;
  }

  override pathOf(definition: EndpointDefinition): string {
    const prefix = this.options.useGlobalPrefix ? this.config.getGlobalPrefix() : '';
    const version = definition.options.version ?? this.options.version;
    return joinPath(
      prefix,
      this.#versionSegment(version, definition),
      this.options.path,
      definition.options.path ?? '',
    );
  }

  #versionSegment(version: string | undefined, { metatype }: EndpointDefinition): string {
    if (version === undefined) return '';
    const versioning = this.config.getVersioning();
    if (versioning?.type !== VersioningType.URI) {
      throw new ConfigurationError(
        `${metatype.name} has version ${JSON.stringify(version)}, but the application has no URI versioning. ` +
          'Call app.enableVersioning({ type: VersioningType.URI }) before the application is initialized, or leave version out.',
      );
    }
    return `${versioning.prefix === false ? '' : (versioning.prefix ?? 'v')}${version}`;
  }

  override async settingsOf(definition: EndpointDefinition): Promise<EndpointSettings> {
    const { name } = definition.metatype;
    const where = `@WsEndpoint of ${name}`;
    const options = readEndpointOptions(definition.options, this.options, name);
    if (options.serializer === 'raw' && definition.events.size > 0) {
      const [event] = definition.events.keys();
      throw new ConfigurationError(
        `${name} has @OnMessage('${event}') but the raw serializer, which knows no events. ` +
          `Set serializer: 'json' on the endpoint or the module, or use @OnMessage() without an event.`,
      );
    }
    return this.#settings(options, where, this.#ownLimits(definition.options.limits));
  }

  override async gatewaySettings(): Promise<EndpointSettings> {
    const where = 'PlackWebSocketModule.forRoot';
    const options = readEndpointOptions({}, this.options, where);
    return { ...(await this.#settings(options, where)), serializer: new GatewaySerializer() };
  }

  override errorHook(): Promise<ErrorHook | undefined> {
    return this.resolver.resolve<ErrorHook>(
      this.options.onError as ErrorHook,
      'onError',
      'PlackWebSocketModule.forRoot',
    );
  }

  async #settings(
    options: ReturnType<typeof readEndpointOptions>,
    where: string,
    connectionLimits?: ConnectionLimits,
  ): Promise<EndpointSettings> {
    const { origin, protocols, concurrency, limits, handshakeTimeoutMs, closeTimeoutMs, middleware } = options;
    return {
      serializer: await this.#serializer(options.serializer, where),
      handshake: await this.resolver.resolve<HandshakeHook>(options.handshake as HandshakeHook, 'handshake', where),
      login: await this.resolver.resolve<LoginHook>(options.login as LoginHook, 'login', where),
      origin,
      protocols,
      concurrency,
      limits,
      compression: readCompression(options, where),
      connectionLimits,
      handshakeTimeoutMs,
      closeTimeoutMs,
      middleware,
    };
  }

  /** An endpoint counts its own connections only when it says how many there may be. */
  #ownLimits(limits: CountLimits | undefined): ConnectionLimits | undefined {
    const { maxConnections, maxConnectionsPerIp, maxConnectionsPerUser } = limits ?? {};
    const given = maxConnections ?? maxConnectionsPerIp ?? maxConnectionsPerUser;
    return given === undefined ? undefined : new ConnectionLimits(limits ?? {}, this.userId);
  }

  async #serializer(option: EndpointOptions['serializer'], where: string): Promise<Serializer> {
    const known = this.#serializers.get(option);
    if (known !== undefined) return known;
    const serializer = (
      typeof option === 'function' ? await this.resolver.instantiate(option, `${where}: serializer`) : option
    ) as Serializer;
    if (typeof serializer.encode !== 'function' || typeof serializer.decode !== 'function') {
      throw new ConfigurationError(`${where}: a serializer has the methods encode(value) and decode(data, isBinary).`);
    }
    this.#serializers.set(option, serializer);
    return serializer;
  }
}

function readCompression(
  { compression, limits }: Pick<ReturnType<typeof readEndpointOptions>, 'compression' | 'limits'>,
  where: string,
): CompressionOptions | undefined {
  if (compression === false) return undefined;
  if (limits.maxPayloadBytes === 0) {
    throw new ConfigurationError(
      `${where}: compression needs limits.maxPayloadBytes, or a small message could inflate without end.`,
    );
  }
  return Object.assign(new CompressionOptions(), compression === true ? {} : compression);
}

function toProxyTrust(trustProxy: PlackWebSocketOptions['trustProxy']): ProxyTrust {
  try {
    return new ProxyTrust(trustProxy);
  } catch (error) {
    throw new ConfigurationError(`PlackWebSocketModule.forRoot: trustProxy cannot be read: ${describe(error)}`, {
      cause: error,
    });
  }
}
