import type { ExecutionContext, Type } from '@nestjs/common';
import { NEST_PARAMETER_TYPES, NEST_ROUTE_ARGUMENTS } from './metadata-keys.js';

/** What a decorator of Nest leaves about the parameter that it decorates. */
export interface RouteArgument {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
  readonly factory?: (data: unknown, context: ExecutionContext) => unknown;
}

/** A method as the class that has it declares it; what a base class says about one of that name does not count. */
export interface DeclaredMethod {
  /** The class whose method it is: the endpoint or a base of it. */
  readonly owner: Type;
  /** The declared class of each parameter; `undefined` where the compiler does not write them. */
  readonly types: readonly (Type | undefined)[] | undefined;
  /** What decorators say about parameters, by Nest's keys. */
  readonly decorated: Readonly<Record<string, RouteArgument>>;
  /** Parameters before the first with a default value; 0 for rest parameters and for most wrappers. */
  readonly length: number;
}

/** Reads what is known of a method, own or inherited. */
export function readMethod(metatype: Type, name: string): DeclaredMethod {
  const owner = ownerOf(metatype, name);
  const prototype = owner.prototype as Readonly<Record<string, { readonly length: number }>>;
  return {
    owner,
    types: Reflect.getOwnMetadata(NEST_PARAMETER_TYPES, prototype, name) as DeclaredMethod['types'],
    decorated: ownArguments(owner, name),
    length: prototype[name]?.length ?? 0,
  };
}

function ownerOf(metatype: Type, name: string): Type {
  for (let type = metatype; typeof type.prototype === 'object'; type = Object.getPrototypeOf(type) as Type) {
    if (Object.hasOwn(type.prototype as object, name)) return type;
  }
  return metatype;
}

/**
 * Nest's parameter decorators copy what a base class left under the same name and add to it. What is the very object of
 * the base was not written for this method.
 */
function ownArguments(owner: Type, name: string): DeclaredMethod['decorated'] {
  const own = (Reflect.getOwnMetadata(NEST_ROUTE_ARGUMENTS, owner, name) ?? {}) as Record<string, RouteArgument>;
  const base = Object.getPrototypeOf(owner) as object;
  const copied = (Reflect.getMetadata(NEST_ROUTE_ARGUMENTS, base, name) ?? {}) as Record<string, RouteArgument>;
  return Object.fromEntries(Object.entries(own).filter(([key, argument]) => copied[key] !== argument));
}
