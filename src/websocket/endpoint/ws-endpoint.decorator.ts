import { Injectable } from '@nestjs/common';
import type { WsEndpointOptions } from './endpoint.options.js';
import { ENDPOINT_METADATA, NEST_ENTRY_PROVIDER } from './metadata-keys.js';

/**
 * Makes a class an endpoint: it serves the WebSockets of one path pattern. The class must be a provider of a module.
 *
 * May stand on a class once. Its methods are marked with `@OnEstablish`, `@OnMessage`, `@OnFinish` and `@OnError`;
 * guards, interceptors, pipes and filters of Nest may stand beside it. A subclass is an endpoint only with a decorator
 * of its own.
 *
 * @param pathOrOptions pattern relative to the module's `path` (`'rooms/:room'`), or options. A static path beats a
 * parameter; two endpoints on one pattern are refused at boot.
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
export function WsEndpoint(pathOrOptions: string | WsEndpointOptions = ''): ClassDecorator {
  const options: WsEndpointOptions = typeof pathOrOptions === 'string' ? { path: pathOrOptions } : pathOrOptions;
  return (target) => {
    const { scope, durable } = options;
    Injectable({ ...(scope === undefined ? {} : { scope }), ...(durable === undefined ? {} : { durable }) })(target);
    Reflect.defineMetadata(ENDPOINT_METADATA, options, target);
    // Lets Nest load request-scoped global enhancers together with this provider.
    Reflect.defineMetadata(NEST_ENTRY_PROVIDER, true, target);
  };
}
