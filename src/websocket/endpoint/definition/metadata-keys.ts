/** Keys under which our decorators leave what they know; plain strings, so that two copies of the library agree. */
export const ENDPOINT_METADATA = 'plack-websocket:endpoint';
export const PART_METADATA = 'plack-websocket:part';
export const HANDLER_METADATA = 'plack-websocket:handler';
/** Names of the methods of a class that had one of our decorators. */
export const HANDLER_NAMES_METADATA = 'plack-websocket:handler-names';
/** Which copy of the library the decorator was of. */
export const COPY_METADATA = 'plack-websocket:copy';

/*
 * Keys and numbers that Nest's own decorators use. They are written here because decorators run long before anything
 * of Nest can be injected; `adapter/nest/metadata-check.ts` compares them with the installed Nest at boot.
 */
export const NEST_ROUTE_ARGUMENTS = '__routeArguments__';
export const NEST_CUSTOM_ARGUMENT = '__customRouteArgs__';
export const NEST_ENTRY_PROVIDER = '__entryProvider__';
export const NEST_PARAMETER_TYPES = 'design:paramtypes';
/** What `@Injectable` leaves behind. */
export const NEST_INJECTABLE = '__injectable__';
/** What `@WebSocketGateway` and `@SubscribeMessage` leave behind. */
export const NEST_GATEWAY = 'websockets:is_gateway';
export const NEST_SUBSCRIBED = 'websockets:message_mapping';
export const NEST_SUBSCRIBED_EVENT = 'message';

/** Nest's numbers of parameter decorators, as far as they mean something for a WebSocket. */
export const NestParameter = {
  connectedSocket: 0,
  messageBody: 3,
  query: 4,
  param: 5,
  headers: 6,
  session: 7,
  ip: 11,
  cookies: 14,
} as const;

/** Our own numbers beside Nest's; Nest counts from zero and is far below. */
export const HANDSHAKE_RESULT_PARAMETER = 7001;
export const MESSAGE_ID_PARAMETER = 7002;
