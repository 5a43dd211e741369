import type { Backplane } from '../backplane/backplane.js';
import type { UserId } from '../limits/user-id.js';
import type { LimitsOptions } from '../limits/limits.options.js';
import type { ProxyTrust } from '../request/proxy-trust.js';
import type { PublicNames } from '../request/public-names.js';
import type { EndpointDefinition } from '../endpoint/definition/endpoint-definition.js';
import type { EndpointSettings, GatewaySockets } from '../endpoint/endpoint.js';
import type { WsEndpointOptions } from '../endpoint/endpoint.options.js';
import type { ErrorHook } from '../endpoint/handshake-hook.js';
import type { ShutdownOptions } from '../lifecycle/finish/shutdown.options.js';

/** What the adapter needs to know of the options. The code that reads the options implements it. */
export abstract class AdapterSettings {
  abstract readonly shutdown: ShutdownOptions;
  abstract readonly proxies: ProxyTrust;
  abstract readonly names: PublicNames;
  /** Limits that count over the whole module. */
  abstract readonly limits: LimitsOptions;
  abstract readonly userId: UserId | undefined;
  /** The way to other nodes. */
  abstract readonly backplane: Backplane | undefined;
  /** Time for `onError` and for exception filters of a handshake, in milliseconds. */
  abstract readonly handshakeTimeoutMs: number;
  /** The definition with the options that its factory gives, where it has one. @throws ConfigurationError */
  abstract definitionOf(definition: EndpointDefinition): Promise<EndpointDefinition>;
  /** Full path patterns of an endpoint, one for each of its versions. @throws ConfigurationError */
  abstract pathsOf(definition: EndpointDefinition): readonly [string, ...string[]];
  /** Settings of an endpoint, classes instantiated. @throws ConfigurationError */
  abstract settingsOf(definition: EndpointDefinition): Promise<EndpointSettings>;
  /** Stock gateways run on this adapter too. */
  abstract readonly gateways: boolean;
  /** Checks what a stock gateway says about its server; warns of what is ignored. @throws ConfigurationError */
  abstract checkGateway(options: object, port: number, className: string): void;
  /** Settings of a stock gateway: those of the module, and over them its own. @throws ConfigurationError */
  abstract gatewaySettings(
    own: WsEndpointOptions,
    className: string,
    sockets: GatewaySockets,
  ): Promise<EndpointSettings>;
  /** The application's answer to refused upgrades. @throws ConfigurationError */
  abstract errorHook(): Promise<ErrorHook | undefined>;
}
