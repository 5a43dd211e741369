import type { Type } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { rolesOf, type HandlerDefinition } from './endpoint-definition.js';
import { decoratorOf, isPart } from './endpoint-part.js';
import { HANDLER_NAMES_METADATA, NEST_GATEWAY, NEST_SUBSCRIBED, NEST_SUBSCRIBED_EVENT } from './metadata-keys.js';

/** Methods that a gateway has by name, and the decorator that stands for each of them here. */
const GATEWAY_HOOKS: Readonly<Record<string, string>> = {
  handleConnection: '@OnEstablish()',
  handleDisconnect: '@OnFinish()',
};

/**
 * Refuses a class that has nothing to do. Asked when all of the methods are known, wherever they come from: an endpoint may
 * leave all of them to its parts.
 * @throws ConfigurationError with the remedy.
 */
export function insistOnHandlers(definition: HandlerDefinition, parts: readonly HandlerDefinition[] = []): void {
  if ([definition, ...parts].some(hasMethods)) return;
  const { metatype } = definition;
  const { name } = metatype;
  const hooks = Object.entries(GATEWAY_HOOKS).filter(([hook]) => hook in (metatype.prototype as object));
  const remedy =
    hooks.length > 0
      ? hooks.map(([hook, decorator]) => `${hook} with ${decorator}`).join(' and ')
      : `a method with @OnEstablish(), @OnMessage() or @OnFinish(), or take ${decoratorOf(metatype)} off the class`;
  throw new ConfigurationError(
    isPart(metatype)
      ? `${name} is a part without a handler: it would do nothing. Decorate ${remedy}.`
      : `${name} is an endpoint without a handler: clients would connect, and what they send would be lost. ` +
          `Decorate ${remedy}.`,
  );
}

function hasMethods({ events, ...methods }: HandlerDefinition): boolean {
  const { establish, finish, error, anyMessage, binaryMessage } = methods;
  return events.size > 0 || (establish ?? finish ?? error ?? anyMessage ?? binaryMessage) !== undefined;
}

/**
 * Refuses methods whose decorators were lost: another decorator put a function in the place of the one that carried them.
 * @throws ConfigurationError with the remedy.
 */
export function refuseLostDecorators(metatype: Type): void {
  const effective = metatype.prototype as Record<string, unknown>;
  for (
    let prototype = effective;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype) as typeof effective
  ) {
    const names = Reflect.getOwnMetadata(HANDLER_NAMES_METADATA, prototype) as readonly string[] | undefined;
    for (const name of names ?? []) {
      // One that a subclass overrides is told by the decorators of the subclass.
      if (effective[name] !== prototype[name] || rolesOf(effective[name]).length > 0) continue;
      throw new ConfigurationError(
        `${metatype.name}.${name} had a decorator of this library, but one above it put another function in its place ` +
          'and took no decorations along, guards among them. ' +
          'Write that decorator below those of Nest and of this library, or let it copy the metadata.',
      );
    }
  }
}

/**
 * Refuses methods that carry a decorator of gateways and none of ours: nothing would call them.
 * @throws ConfigurationError with the decorator to write.
 */
export function refuseSubscriptions(metatype: Type): void {
  if (Reflect.hasMetadata(NEST_GATEWAY, metatype)) return;
  const prototype = metatype.prototype as Record<string, unknown>;
  for (const name of new MetadataScanner().getAllMethodNames(prototype)) {
    const method = prototype[name] as object;
    if (!Reflect.hasMetadata(NEST_SUBSCRIBED, method) || rolesOf(method).length > 0) continue;
    const event: unknown = Reflect.getMetadata(NEST_SUBSCRIBED_EVENT, method);
    const decorator = `@SubscribeMessage(${typeof event === 'string' ? `'${event}'` : JSON.stringify(event)})`;
    throw new ConfigurationError(
      `${metatype.name}.${name} has ${decorator}, which only a @WebSocketGateway class serves. ` +
        `Write @OnMessage('${typeof event === 'string' ? event : name}') in its place; events need serializer: 'json'.`,
    );
  }
}
