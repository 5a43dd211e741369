import { Injectable, type ScopeOptions, type Type } from '@nestjs/common';
import { THIS_COPY } from '../copies/this-copy.js';
import type { ClassReference } from './class-reference.js';
import { undefinedClass } from './definition/endpoint-part.js';
import { COPY_METADATA, NEST_ENTRY_PROVIDER, PART_METADATA } from './definition/metadata-keys.js';
import { noteDecorated } from './definition/unserved-endpoints.js';

/**
 * Makes a class a part of an endpoint: its methods belong to the connections of that endpoint, while its dependencies, scope
 * and enhancers are its own. The class must be a provider of a module, which may be another one than that of the endpoint.
 *
 * Once per class; a subclass inherits it. Path, options, handshake, limits and `connection.data` are those of the endpoint.
 * `@OnEstablish` runs after that of the endpoint, `@OnFinish` before it. Events, the plain `@OnMessage()` and the binary one
 * exist once for endpoint and parts together. Guards, interceptors, pipes and filters of the endpoint's class run outside of
 * those of the part. Where a guard of the part says no to a handshake (`false` or a status of 4xx), the part leaves itself out
 * of this connection, and its events are answered with `forbidden`.
 *
 * @param endpoints the endpoint class, a function that gives it (`() => RoomEndpoint`, for files that import each other), or a
 * list of such. None for a part that endpoints name in their option `parts`. Subclasses of it count, and what a provider
 * puts in its place.
 * @param options scope of the class: with `scope: Scope.REQUEST` every connection has an instance of its own.
 * @throws ConfigurationError for `undefined` in the place of a class.
 *
 * @example
 * ```ts
 * @WsEndpointPart(RoomEndpoint)
 * export class ChatEvents {
 *   @OnMessage('say')
 *   say(connection: Connection, @MessageBody('text') text: string) {
 *     connection.to('lobby').broadcast('said', { text });
 *   }
 * }
 * ```
 */
export function WsEndpointPart(
  ...given: [endpoints?: ClassReference | readonly ClassReference[], options?: ScopeOptions]
): ClassDecorator {
  // `undefined` was meant to be a class.
  const [endpoints = given.length === 0 ? [] : [undefined], options = {}] = given;
  const named: readonly unknown[] = Array.isArray(endpoints) ? endpoints : [endpoints];
  return (target) => {
    const wrong = named.findIndex((reference) => typeof reference !== 'function');
    if (wrong >= 0) throw undefinedClass(`@WsEndpointPart of ${target.name}`, named[wrong]);
    Injectable(options)(target);
    Reflect.defineMetadata(PART_METADATA, named, target);
    Reflect.defineMetadata(COPY_METADATA, THIS_COPY, target);
    // Lets Nest load request-scoped global enhancers together with this provider.
    Reflect.defineMetadata(NEST_ENTRY_PROVIDER, true, target);
    noteDecorated(target as unknown as Type);
  };
}
