import type { Type } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import type { WsEndpointOptions } from './endpoint.options.js';
import type { HandlerRole } from './handler.decorators.js';
import { ENDPOINT_METADATA, HANDLER_METADATA } from './metadata-keys.js';

/** What the decorators of one endpoint class say: which method does what. */
export interface EndpointDefinition {
  readonly metatype: Type;
  readonly options: WsEndpointOptions;
  readonly establish: string | undefined;
  readonly finish: string | undefined;
  readonly error: string | undefined;
  /** Takes every message that no event takes. */
  readonly anyMessage: string | undefined;
  readonly binaryMessage: string | undefined;
  readonly events: ReadonlyMap<string, string>;
}

/** Tells whether the class itself, not only a base class, carries `@WsEndpoint`. */
export function isEndpoint(metatype: unknown): metatype is Type {
  return typeof metatype === 'function' && Reflect.hasOwnMetadata(ENDPOINT_METADATA, metatype);
}

/**
 * Reads the definition of an endpoint class; inherited methods count.
 * @throws ConfigurationError when two methods are for the same thing.
 */
export function defineEndpoint(metatype: Type): EndpointDefinition {
  const options = Reflect.getOwnMetadata(ENDPOINT_METADATA, metatype) as WsEndpointOptions;
  const slots = new Map<string, string>();
  const events = new Map<string, string>();
  const prototype = metatype.prototype as Record<string, unknown>;
  for (const name of new MetadataScanner().getAllMethodNames(prototype)) {
    for (const role of rolesOf(prototype[name])) {
      const [target, key] =
        role.kind === 'message' && role.event !== undefined ? [events, role.event] : [slots, slotOf(role)];
      const other = target.get(key);
      if (other !== undefined) throw twoHandlers(metatype, other, name, role);
      target.set(key, name);
    }
  }
  return {
    metatype,
    options,
    establish: slots.get('establish'),
    finish: slots.get('finish'),
    error: slots.get('error'),
    anyMessage: slots.get('message'),
    binaryMessage: slots.get('binary'),
    events,
  };
}

function rolesOf(method: unknown): readonly HandlerRole[] {
  if (typeof method !== 'function') return [];
  return (Reflect.getOwnMetadata(HANDLER_METADATA, method) as readonly HandlerRole[] | undefined) ?? [];
}

function slotOf(role: HandlerRole): string {
  return role.kind === 'message' && role.binary === true ? 'binary' : role.kind;
}

function twoHandlers(metatype: Type, first: string, second: string, role: HandlerRole): ConfigurationError {
  const decorator =
    role.kind !== 'message'
      ? `@On${role.kind.charAt(0).toUpperCase()}${role.kind.slice(1)}()`
      : role.event !== undefined
        ? `@OnMessage('${role.event}')`
        : role.binary === true
          ? '@OnMessage({ binary: true })'
          : '@OnMessage()';
  return new ConfigurationError(
    `${metatype.name} has two methods with ${decorator}: ${first} and ${second}. Keep one of them, or call both from one.`,
  );
}
