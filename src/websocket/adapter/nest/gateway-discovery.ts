import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { ProviderWrapper } from '../../endpoint/definition/provider-wrapper.js';
import { NEST_GATEWAY } from '../../endpoint/definition/metadata-keys.js';

/** Where `@WebSocketGateway` leaves what it is given. */
const GATEWAY_OPTIONS = 'websockets:gateway_options';
const PORT_METADATA = 'port';

/** A stock gateway as Nest's container holds it. */
export interface DiscoveredGateway {
  readonly metatype: Type;
  /** The one instance, or a bare prototype where each client has one of its own. */
  readonly instance: object;
  /** Each client has an instance of its own. */
  readonly isScoped: boolean;
  /** Nest's own record of it. */
  readonly wrapper: ProviderWrapper;
  readonly port: number;
  /** What its decorator was given. */
  readonly options: object;
  readonly path: string | undefined;
}

/** The stock `@WebSocketGateway` classes of the application. */
export function findGateways(modules: ModulesContainer): DiscoveredGateway[] {
  const found: DiscoveredGateway[] = [];
  for (const { providers } of modules.values()) {
    for (const wrapper of providers.values()) {
      const { metatype, instance, isNotMetatype } = wrapper;
      if (isNotMetatype || typeof metatype !== 'function' || !Reflect.hasMetadata(NEST_GATEWAY, metatype)) continue;
      const options = Reflect.getMetadata(GATEWAY_OPTIONS, metatype) as { path?: string } | undefined;
      const port = Reflect.getMetadata(PORT_METADATA, metatype) as number;
      found.push({
        metatype: metatype as Type,
        instance: instance as object,
        isScoped: !wrapper.isDependencyTreeStatic(),
        wrapper: wrapper as ProviderWrapper,
        port,
        options: options ?? {},
        path: options?.path,
      });
    }
  }
  return found;
}
