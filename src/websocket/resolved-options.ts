import { Injectable, VERSION_NEUTRAL, VersioningType, type Type } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { AdapterSettings } from './adapter/adapter-settings.js';
import type { Backplane } from './backplane/backplane.js';
import { GatewaySerializer } from './adapter/gateway/gateway.serializer.js';
import { ConnectionLimits, type CountLimits } from './limits/connection-limits.js';
import { CompressionOptions } from './connection/compression.options.js';
import { LimitsOptions } from './limits/limits.options.js';
import type { MessageRates } from './limits/message-rates.js';
import type { UserId } from './limits/user-id.js';
import { ProxyTrust } from './request/proxy-trust.js';
import { PublicNames } from './request/public-names.js';
import type { EndpointDefinition } from './endpoint/definition/endpoint-definition.js';
import type { EndpointSettings, GatewaySockets } from './endpoint/endpoint.js';
import type { EndpointOptions, EndpointVersion, WsEndpointOptions } from './endpoint/endpoint.options.js';
import type { ErrorHook, HandshakeHook, HandshakeOption, LoginHook } from './endpoint/handshake-hook.js';
import { HookResolver } from './endpoint/hook-resolver.js';
import { joinPath } from './routing/path-pattern.js';
import { describeError } from './errors/describe-error.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import { ShutdownOptions } from './lifecycle/finish/shutdown.options.js';
import { checkGatewayOptions } from './options/gateway-table.js';
import { readRates, refuseRateOfRaw } from './options/read-rates.js';
import { isFactory, optionsOf } from './options/endpoint-factory.js';
import { withDefaults } from './rules/with-defaults.js';
import {
  gatewayConcurrency,
  PLACE_OF_MODULE,
  PlackWebSocketOptions,
  readEndpointOptions,
  warnOf,
} from './plack-websocket.options.js';
import { JsonSerializer } from './serializer/json.serializer.js';
import { RawSerializer } from './serializer/raw.serializer.js';
import { Serializer } from './serializer/serializer.js';

/** The options as the adapter wants them: defaults filled in, classes built, endpoints' own options applied. */
@Injectable()
export class ResolvedOptions extends AdapterSettings {
  override readonly shutdown: ShutdownOptions;
  override readonly proxies: ProxyTrust;
  override readonly names: PublicNames;
  override readonly limits: LimitsOptions;
  override readonly userId: UserId | undefined;
  override readonly backplane: Backplane | undefined;
  override readonly handshakeTimeoutMs: number;
  override readonly gateways: boolean;
  /** One instance each, so that a broadcast encodes once for all endpoints that share a serializer. */
  readonly #serializers = new Map<unknown, Serializer>([
    ['raw', new RawSerializer()],
    ['json', new JsonSerializer()],
  ]);

  /** One for all gateways, for the same reason. */
  readonly #gatewaySerializer = new GatewaySerializer();

  /** One instance for all endpoints, where it is a class. */
  #handshakeOfModule: Promise<HandshakeHook | undefined> | undefined;

  /** One for all endpoints without one of their own: their messages count together. */
  readonly #rates: MessageRates | undefined;

  constructor(
    private readonly options: PlackWebSocketOptions,
    private readonly resolver: HookResolver,
    private readonly config: ApplicationConfig,
  ) {
    super();
    const { shutdown, trustProxy, limits } = options;
    this.shutdown = withDefaults(ShutdownOptions, shutdown);
    this.proxies = toProxyTrust(trustProxy);
    this.names = new PublicNames(options.hosts, options.publicUrl);
    this.gateways = options.gateways;
    this.handshakeTimeoutMs = options.handshakeTimeoutMs;
    this.limits = withDefaults(LimitsOptions, limits);
    this.userId = options.userId;
    this.backplane = options.backplane;
    this.#rates = readRates(limits.rate, PLACE_OF_MODULE);
  }

  override async definitionOf(definition: EndpointDefinition): Promise<EndpointDefinition> {
    const { options, metatype } = definition;
    if (!isFactory(options)) return definition;
    return { ...definition, options: await optionsOf(options, this.resolver, `@WsEndpoint of ${metatype.name}`) };
  }

  override pathsOf({ options, metatype }: EndpointDefinition): readonly [string, ...string[]] {
    const prefix = this.options.useGlobalPrefix ? this.config.getGlobalPrefix() : '';
    const version = options.version ?? this.options.version;
    const versions = new Set<EndpointVersion | undefined>(typeof version === 'object' ? version : [version]);
    const [first, ...others] = [...versions].map((one) =>
      joinPath(prefix, this.#versionSegment(one, metatype), this.options.path, options.path ?? ''),
    );
    if (first !== undefined) return [first, ...others];
    throw new ConfigurationError(
      `${metatype.name} has an empty list as version, so nothing would serve it. Name a version, or leave the option out.`,
    );
  }

  #versionSegment(version: EndpointVersion | undefined, metatype: Type): string {
    if (version === undefined || version === VERSION_NEUTRAL) return '';
    const versioning = this.config.getVersioning();
    if (versioning !== undefined && versioning.type !== VersioningType.URI) {
      throw new ConfigurationError(
        `${metatype.name} has version ${JSON.stringify(version)}, but the application does not tell versions by the path, ` +
          "and the WebSocket of a browser cannot send a header. Leave version out and put it into the path, as in @WsEndpoint('v2/chat'), or " +
          'use VersioningType.URI.',
      );
    }
    if (versioning === undefined) {
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
    const options = readEndpointOptions(definition.options, this.options, where);
    const withEvents = [definition, ...definition.parts].find(({ events }) => events.size > 0);
    if (options.serializer === 'raw' && withEvents !== undefined) {
      const [event] = withEvents.events.keys();
      const who = withEvents === definition ? name : `${withEvents.metatype.name}, a part of ${name},`;
      throw new ConfigurationError(
        `${who} has @OnMessage('${event}') but the raw serializer, which knows no events. ` +
          `Set serializer: 'json' on the endpoint or the module, or use @OnMessage() without an event.`,
      );
    }
    const ownRate = definition.options.limits?.rate;
    if (options.serializer === 'raw') refuseRateOfRaw(ownRate, where);
    if (options.protocolRequired && options.protocols.length === 0) {
      throw new ConfigurationError(
        `${where}: protocolRequired needs protocols, the subprotocols of which one is required.`,
      );
    }
    const handshakes = await this.#handshakes(definition.options.handshake, where);
    const settings = await this.#settings(options, where, handshakes, this.#ownLimits(definition.options.limits));
    return { ...settings, host: readHost(definition.options.host) };
  }

  override checkGateway(options: object, port: number, className: string): void {
    warnOf(checkGatewayOptions(options, port, placeOfGateway(className)));
  }

  override async gatewaySettings(
    own: WsEndpointOptions,
    className: string,
    ws: GatewaySockets,
  ): Promise<EndpointSettings> {
    const where = placeOfGateway(className);
    const options = readEndpointOptions(own, this.options, where);
    const handshakes = await this.#handshakes(own.handshake, where);
    options.limits.maxStreams = this.options.limits.maxStreams ?? STREAMS_OF_GATEWAY;
    const settings = await this.#settings(options, where, handshakes);
    const concurrency = gatewayConcurrency(this.options, settings.limits);
    return { ...settings, concurrency, serializer: this.#gatewaySerializer, ws };
  }

  override errorHook(): Promise<ErrorHook | undefined> {
    return this.resolver.resolve<ErrorHook>(this.options.onError as ErrorHook, 'onError', PLACE_OF_MODULE);
  }

  async #settings(
    options: ReturnType<typeof readEndpointOptions>,
    where: string,
    handshakes: readonly HandshakeHook[],
    connectionLimits?: ConnectionLimits,
  ): Promise<EndpointSettings> {
    const {
      expiresAt,
      origin,
      protocols,
      protocolRequired,
      concurrency,
      limits,
      handshakeTimeoutMs,
      closeTimeoutMs,
      middleware,
      around,
    } = options;
    return {
      serializer: await this.#serializer(options.serializer, where),
      handshakes,
      login: await this.resolver.resolve<LoginHook>(options.login as LoginHook, 'login', where),
      expiresAt,
      origin,
      names: this.names,
      protocols,
      isProtocolRequired: protocolRequired,
      host: undefined,
      concurrency,
      limits,
      rates: limits.rate === this.options.limits.rate ? this.#rates : readRates(limits.rate, where),
      compression: readCompression(options, where),
      connectionLimits,
      handshakeTimeoutMs,
      closeTimeoutMs,
      heartbeat: options.heartbeat,
      middleware,
      around,
    };
  }

  /** The module's hook, unless the endpoint leaves it out, and after it the endpoint's. */
  async #handshakes(own: WsEndpointOptions['handshake'], where: string): Promise<readonly HandshakeHook[]> {
    const replaces = typeof own === 'object';
    const hooks = [
      replaces
        ? undefined
        : await (this.#handshakeOfModule ??= this.#handshake(this.options.handshake, PLACE_OF_MODULE)),
      await this.#handshake(replaces ? own.replace : own, where),
    ];
    return hooks.filter((hook) => hook !== undefined);
  }

  #handshake(option: HandshakeOption | undefined, where: string): Promise<HandshakeHook | undefined> {
    return this.resolver.resolve<HandshakeHook>(option as HandshakeHook, 'handshake', where);
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

function readHost(host: WsEndpointOptions['host']): PublicNames | undefined {
  if (host === undefined) return undefined;
  return new PublicNames(typeof host === 'string' ? [host] : host);
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
  return withDefaults(CompressionOptions, compression === true ? {} : compression);
}

/** Interceptors make a stream of every answer of a gateway, so many of them only wait for their handler. */
const STREAMS_OF_GATEWAY = 1_000;

function placeOfGateway(className: string): string {
  return `@WebSocketGateway of ${className}`;
}

function toProxyTrust(trustProxy: PlackWebSocketOptions['trustProxy']): ProxyTrust {
  try {
    return new ProxyTrust(trustProxy);
  } catch (error) {
    throw new ConfigurationError(`PlackWebSocketModule.forRoot: trustProxy cannot be read: ${describeError(error)}`, {
      cause: error,
    });
  }
}
