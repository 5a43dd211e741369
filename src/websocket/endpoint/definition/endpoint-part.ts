import type { Type } from '@nestjs/common';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import type { ClassReference } from '../class-reference.js';
import { isEndpoint } from './endpoint-definition.js';
import { PART_METADATA } from './metadata-keys.js';

/** Tells whether the class, or a base of it, carries `@WsEndpointPart`. */
export function isPart(metatype: unknown): boolean {
  return typeof metatype === 'function' && Reflect.hasMetadata(PART_METADATA, metatype);
}

/** Tells whether a class has methods that this library calls: an endpoint, or a part of one. */
export function hasHandlers(metatype: unknown): metatype is Type {
  return isEndpoint(metatype) || isPart(metatype);
}

/** The decorator of such a class, for messages. */
export function decoratorOf(metatype: Type): string {
  return isPart(metatype) ? '@WsEndpointPart' : '@WsEndpoint';
}

/**
 * The endpoints that `@WsEndpointPart` of a class names; none where the endpoint names the part.
 * @throws ConfigurationError for one that cannot have parts.
 */
export function endpointsOf(part: Type): readonly Type[] {
  const named = Reflect.getMetadata(PART_METADATA, part) as readonly ClassReference[];
  return named.map((reference) => {
    const type = resolveClass(reference, `@WsEndpointPart of ${part.name}`);
    if (!isPart(type)) return type;
    throw new ConfigurationError(
      `${part.name} is a part of ${type.name}, which is a part itself. Name the endpoint: @WsEndpointPart(RoomEndpoint).`,
    );
  });
}

/**
 * The parts that an endpoint names in its options.
 * @throws ConfigurationError for a class that is not a part.
 */
export function partsOf(endpoint: Type, parts: readonly ClassReference[] | undefined): readonly Type[] {
  // Anything but a list is refused with the other options.
  if (!Array.isArray(parts)) return [];
  return (parts as readonly ClassReference[]).map((reference) => {
    const type: Type = resolveClass(reference, `The option parts of ${endpoint.name}`);
    if (isPart(type)) return type;
    const { name } = type;
    throw new ConfigurationError(
      isEndpoint(type)
        ? `${endpoint.name} has ${name} in its parts, which is an endpoint itself.`
        : `${endpoint.name} has ${name} in its parts, a class without @WsEndpointPart(). Decorate it.`,
    );
  });
}

function resolveClass(reference: ClassReference, where: string): Type {
  const type: unknown = isFunction(reference) ? reference() : reference;
  if (isClass(type)) return type;
  throw undefinedClass(where, type);
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && typeof value.prototype === 'object';
}

/** Arrow functions have no prototype. */
function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function' && value.prototype === undefined;
}

/** The error for something else in the place of a class; `where` names the decorator or option. */
export function undefinedClass(where: string, given: unknown): ConfigurationError {
  return new ConfigurationError(
    given === undefined
      ? `${where} has undefined in the place of a class: their files import each other. Write a function: () => RoomEndpoint.`
      : `${where} has ${given === null ? 'null' : typeof given} in the place of a class. Write RoomEndpoint or () => RoomEndpoint.`,
  );
}
