import type { Type } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import type { WsEndpointOptions } from '../endpoint.options.js';
import { nameDecorator, type HandlerRole } from '../handler.decorators.js';
import { ENDPOINT_METADATA, HANDLER_METADATA } from './metadata-keys.js';

/** What the decorators of the methods of one class say: which method does what. */
export interface HandlerDefinition {
  readonly metatype: Type;
  readonly establish: string | undefined;
  readonly finish: string | undefined;
  readonly error: string | undefined;
  /** Takes every message that no event takes. */
  readonly anyMessage: string | undefined;
  readonly binaryMessage: string | undefined;
  readonly events: ReadonlyMap<string, string>;
}

/** What the decorators of an endpoint say: of its own class, and of the classes that are parts of it. */
export interface EndpointDefinition extends HandlerDefinition {
  readonly options: WsEndpointOptions;
  readonly parts: readonly HandlerDefinition[];
}

/** Tells whether the class, or a base of it, carries `@WsEndpoint`. */
export function isEndpoint(metatype: unknown): metatype is Type {
  return typeof metatype === 'function' && Reflect.hasMetadata(ENDPOINT_METADATA, metatype);
}

/**
 * Reads the definition of an endpoint class with its parts.
 * @throws ConfigurationError when two methods are for the same thing.
 */
export function defineEndpoint(metatype: Type, parts: readonly HandlerDefinition[] = []): EndpointDefinition {
  const options = Reflect.getMetadata(ENDPOINT_METADATA, metatype) as WsEndpointOptions;
  const own = defineHandlers(metatype);
  refuseShared([own, ...parts]);
  return { ...own, options, parts };
}

/**
 * Reads what the methods of a class are for; inherited ones count.
 * @throws ConfigurationError when two of them are for the same thing.
 */
export function defineHandlers(metatype: Type): HandlerDefinition {
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
    establish: slots.get('establish'),
    finish: slots.get('finish'),
    error: slots.get('error'),
    anyMessage: slots.get('message'),
    binaryMessage: slots.get('binary'),
    events,
  };
}

/** What the decorators of a method say it is for; empty for any other value. */
export function rolesOf(method: unknown): readonly HandlerRole[] {
  if (typeof method !== 'function') return [];
  return (Reflect.getOwnMetadata(HANDLER_METADATA, method) as readonly HandlerRole[] | undefined) ?? [];
}

/**
 * One message has one handler in all classes of an endpoint.
 * @throws ConfigurationError with both methods.
 */
function refuseShared(classes: readonly HandlerDefinition[]): void {
  const [endpoint] = classes;
  const seen = new Map<string, string>();
  for (const { metatype, anyMessage, binaryMessage, events } of classes) {
    const named = [...events].map(([event, name]) => [`@OnMessage('${event}')`, name] as const);
    for (const [decorator, name] of [
      ['@OnMessage()', anyMessage] as const,
      ['@OnMessage({ binary: true })', binaryMessage] as const,
      ...named,
    ]) {
      if (name === undefined) continue;
      const method = `${metatype.name}.${name}`;
      const other = seen.get(decorator);
      seen.set(decorator, method);
      if (other === undefined) continue;
      throw new ConfigurationError(
        `${other} and ${method} both have ${decorator}, and one message of ${endpoint?.metatype.name} has one handler. ` +
          'Keep one of them, or call both from one.',
      );
    }
  }
}

function slotOf(role: HandlerRole): string {
  return role.kind === 'message' && role.binary === true ? 'binary' : role.kind;
}

function twoHandlers(metatype: Type, first: string, second: string, role: HandlerRole): ConfigurationError {
  return new ConfigurationError(
    `${metatype.name} has two methods with ${nameDecorator(role)}: ${first} and ${second}. ` +
      'Keep one of them, or call both from one.',
  );
}
