import type { HeartbeatOptions } from '../connection/heartbeat.js';
import type { UserId } from '../connection/connection-limits.js';
import type { LimitsOptions } from '../connection/limits.options.js';
import type { ProxyTrust } from '../connection/proxy-trust.js';
import type { EndpointDefinition } from '../endpoint/endpoint-definition.js';
import type { EndpointSettings } from '../endpoint/endpoint.js';
import type { ErrorHook } from '../endpoint/handshake-hook.js';
import type { ShutdownOptions } from '../lifecycle/finish/shutdown.options.js';

/** What the adapter needs to know of the options; whoever reads the options implements it. */
export abstract class AdapterSettings {
  abstract readonly heartbeat: HeartbeatOptions | undefined;
  abstract readonly shutdown: ShutdownOptions;
  abstract readonly proxies: ProxyTrust;
  /** Limits that count over the whole module. */
  abstract readonly limits: LimitsOptions;
  abstract readonly userId: UserId;
  /** Time for `onError` and for exception filters of a handshake, in milliseconds. */
  abstract readonly handshakeTimeoutMs: number;
  /** Full path pattern of an endpoint. */
  abstract pathOf(definition: EndpointDefinition): string;
  /** Settings of an endpoint, classes instantiated. @throws ConfigurationError */
  abstract settingsOf(definition: EndpointDefinition): Promise<EndpointSettings>;
  /** Stock gateways run on this adapter too. */
  abstract readonly gateways: boolean;
  /** Settings of stock gateways: those of the module. @throws ConfigurationError */
  abstract gatewaySettings(): Promise<EndpointSettings>;
  /** The application's answer to refused upgrades. @throws ConfigurationError */
  abstract errorHook(): Promise<ErrorHook | undefined>;
}
