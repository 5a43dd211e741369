import { Injectable, type Type } from '@nestjs/common';
import { THIS_COPY } from '../copies/this-copy.js';
import type { WsEndpointFactory, WsEndpointOptions } from './endpoint.options.js';
import { refuseStandardForm } from './decorated-method.js';
import { COPY_METADATA, ENDPOINT_METADATA, NEST_ENTRY_PROVIDER } from './definition/metadata-keys.js';
import { noteDecorated } from './definition/unserved-endpoints.js';

/**
 * Makes a class an endpoint: it serves the WebSockets of one path pattern. The class must be a provider of a module.
 *
 * Once per class. Its methods are marked with `@OnEstablish`, `@OnMessage`, `@OnFinish` and `@OnError`, at least one of
 * them, own or inherited: an endpoint without a handler is an error at boot. Guards, interceptors, pipes and filters of
 * Nest work beside it. A subclass inherits the decorator with its options, as with controllers; one of its own replaces all of
 * them. Only one of two classes that share a decorator may be provided: `{ provide: Room, useClass: LoudRoom }`.
 *
 * @param pathOrOptions pattern relative to the module's `path` (`'rooms/:room'`), or options. A static path beats a
 * parameter; two endpoints on one pattern are refused at boot. Or a factory of options, with the providers that it needs.
 *
 * @example
 * ```ts
 * @WsEndpoint('rooms/:room') // served at /ws/rooms/:room
 * export class RoomEndpoint {
 *   @OnEstablish()
 *   enter(connection: Connection, @Param('room') room: string) {
 *     connection.join(room);
 *   }
 * }
 * ```
 */
export function WsEndpoint(pathOrOptions: string | WsEndpointOptions | WsEndpointFactory = ''): ClassDecorator {
  const options: WsEndpointOptions | WsEndpointFactory =
    typeof pathOrOptions === 'string' ? { path: pathOrOptions } : pathOrOptions;
  return (target, ...more: readonly unknown[]) => {
    refuseStandardForm('@WsEndpoint', more[0]);
    const { scope, durable } = options;
    Injectable({ ...(scope === undefined ? {} : { scope }), ...(durable === undefined ? {} : { durable }) })(target);
    Reflect.defineMetadata(ENDPOINT_METADATA, options, target);
    Reflect.defineMetadata(COPY_METADATA, THIS_COPY, target);
    // Lets Nest load request-scoped global enhancers together with this provider.
    Reflect.defineMetadata(NEST_ENTRY_PROVIDER, true, target);
    noteDecorated(target as unknown as Type);
  };
}
