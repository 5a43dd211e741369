/*
 * The public surface, grouped by the stage of a connection where it matters.
 */

// The module and its options
export {
  PlackWebSocketModule,
  type PlackWebSocketModuleAsyncOptions,
  type PlackWebSocketOptionsFactory,
} from './websocket/plack-websocket.module.js';
export { PlackWebSocketOptions, type PlackWebSocketModuleOptions } from './websocket/plack-websocket.options.js';
export {
  EndpointOptions,
  type OriginCheck,
  type OriginOption,
  type UpgradeMiddleware,
  type WsEndpointOptions,
} from './websocket/endpoint/endpoint.options.js';
export { CompressionOptions } from './websocket/connection/compression.options.js';
export { HeartbeatOptions } from './websocket/connection/heartbeat.js';
export { LimitsOptions } from './websocket/connection/limits.options.js';
export type { UserId } from './websocket/connection/connection-limits.js';
export { ShutdownOptions } from './websocket/lifecycle/finish/shutdown.options.js';
export type { TrustProxy } from './websocket/connection/proxy-trust.js';

// Endpoints
export { WsEndpoint } from './websocket/endpoint/ws-endpoint.decorator.js';
export {
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  type OnMessageOptions,
} from './websocket/endpoint/handler.decorators.js';
export { HandshakeResult } from './websocket/endpoint/handshake-result.decorator.js';
export { isPlackContext } from './websocket/endpoint/is-plack-context.js';

// Handshake
export {
  HandshakeResponse,
  type ErrorHook,
  type ErrorHookClass,
  type ErrorOption,
  type HandshakeDecision,
  type HandshakeHook,
  type HandshakeHookClass,
  type HandshakeOption,
  type LoginHook,
  type LoginHookClass,
  type LoginOption,
  type UpgradeFailure,
} from './websocket/endpoint/handshake-hook.js';
export type { CookieOptions } from './websocket/connection/cookies.js';
export type { HttpReply } from './websocket/errors/http-reply.js';
export { UPGRADE_ERRORS, type UpgradeErrorName, type UpgradeErrorRow } from './websocket/errors/upgrade-error.js';

// Connections
export {
  Audience,
  Connection,
  type ConnectionFinishHandler,
  type ConnectionMessageHandler,
  type ConnectionState,
  type Exception,
} from './websocket/connection/connection.js';
export type { Delivery } from './websocket/connection/delivery.js';
export type { Unregister } from './websocket/connection/handler-list.js';
export { RequestContext, type QueryValues } from './websocket/connection/request-context.js';
export { FinishInfo, type FinishInitiator } from './websocket/connection/finish-info.js';
export {
  ConnectionRegistry,
  type EstablishHandler,
  type FinishHandler,
  type RegistryState,
  type UrlRequest,
} from './websocket/connection/connection-registry.js';
export { CloseCode } from './websocket/protocol/close-code.js';

// Messages
export { Serializer, type BuiltInSerializer } from './websocket/serializer/serializer.js';
export { RawSerializer } from './websocket/serializer/raw.serializer.js';
export { JsonSerializer } from './websocket/serializer/json.serializer.js';

// Errors
export {
  ConfigurationError,
  MessageDecodingError,
  MessageEncodingError,
  OutboxOverflowError,
  PlackWebSocketError,
  UnknownEventError,
  UnsupportedDataError,
  UpgradeRefusedError,
} from './websocket/errors/plack-websocket.error.js';

// The adapter
export { PlackWsAdapter } from './websocket/adapter/plack-ws.adapter.js';
