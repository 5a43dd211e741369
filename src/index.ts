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
  type AroundOption,
  type LoginEnd,
  type OriginCheck,
  type OriginOption,
  type UpgradeMiddleware,
  type EndpointVersion,
  type EndpointFactoryResult,
  type WsEndpointFactory,
  type WsEndpointOptions,
} from './websocket/endpoint/endpoint.options.js';
export { CompressionOptions } from './websocket/connection/compression.options.js';
export { HeartbeatOptions } from './websocket/limits/heartbeat.options.js';
export { LimitsOptions } from './websocket/limits/limits.options.js';
export { RateOptions, type RateOption } from './websocket/limits/rate.options.js';
export { UserConnectionsOptions } from './websocket/limits/user-connections.options.js';
export type { UserId } from './websocket/limits/user-id.js';
export { ShutdownOptions } from './websocket/lifecycle/finish/shutdown.options.js';
export type { TrustProxy } from './websocket/request/proxy-trust.js';

// Endpoints
export { WsEndpoint } from './websocket/endpoint/ws-endpoint.decorator.js';
export { WsEndpointPart } from './websocket/endpoint/ws-endpoint-part.decorator.js';
export type { ClassReference } from './websocket/endpoint/class-reference.js';
export {
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  type OnMessageOptions,
} from './websocket/endpoint/handler.decorators.js';
export { HandshakeResult } from './websocket/endpoint/handshake-result.decorator.js';
export { MessageId, messageIdOf } from './websocket/endpoint/message-id.js';
export type { FailedMessage } from './websocket/endpoint/failed-message.js';
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
  type HandshakeReplacement,
  type LoginHook,
  type LoginHookClass,
  type LoginOption,
  type UpgradeFailure,
} from './websocket/endpoint/handshake-hook.js';
export type { CookieOptions } from './websocket/request/cookies.js';
export type { HttpReply } from './websocket/errors/http-reply.js';
export { UPGRADE_ERRORS, type UpgradeErrorName, type UpgradeErrorRow } from './websocket/errors/upgrade-error.js';

// Connections
export {
  Audience,
  type Addressee,
  type Counted,
  type Listed,
  type ListedConnection,
  type Reached,
} from './websocket/connection/audience.js';
export type { ChannelNames } from './websocket/connection/channel-name.js';
export type { ConnectionOf } from './websocket/connection/connection-of.js';
export {
  Connection,
  type ConnectionFinishHandler,
  type ConnectionMessageHandler,
  type ConnectionState,
} from './websocket/connection/connection.js';
export type { Delivery, Relayed } from './websocket/connection/delivery.js';
export type { Unregister } from './websocket/connection/handler-list.js';
export type { ApplicationTypes, ApplicationUser } from './websocket/request/application-types.js';
export { RequestContext, type QueryValues } from './websocket/request/request-context.js';
export { FinishInfo, type FinishInitiator } from './websocket/connection/finish-info.js';
export type { ChannelEvent, ChannelEventOptions, ChannelHandler } from './websocket/registry/channel-events.js';
export { ConnectionRegistry, type RegistryState } from './websocket/registry/connection-registry.js';
export type { UrlRequest } from './websocket/registry/endpoint-url.js';
export type {
  BackplaneHandler,
  DrainHandler,
  EstablishHandler,
  FinishHandler,
  GapEvent,
  GapHandler,
} from './websocket/registry/registry-events.js';
export { CloseCode } from './websocket/protocol/close-code.js';

// Messages
export {
  Serializer,
  type BuiltInSerializer,
  type MessageSource,
  type ValueSerializer,
} from './websocket/serializer/serializer.js';
export type { MessageForm } from './websocket/serializer/message-form.js';
export type { JsonEnvelopeOptions } from './websocket/serializer/json-envelope.js';
export { RawSerializer } from './websocket/serializer/raw.serializer.js';
export { JsonSerializer, type JsonSerializerOptions } from './websocket/serializer/json.serializer.js';

// Errors
export {
  ConfigurationError,
  ForeignHostError,
  HandlerTimeoutError,
  MissingSubprotocolError,
  ForeignOriginError,
  MessageDecodingError,
  MessageEncodingError,
  OutboxOverflowError,
  PlackWebSocketError,
  TooManyChannelsError,
  TooManyConnectionsError,
  TooManyMessagesError,
  TooManyStreamsError,
  UnknownEventError,
  UnsupportedDataError,
  UpgradeRefusedError,
  UserChangedError,
} from './websocket/errors/plack-websocket.error.js';

// Beyond one process
export {
  Backplane,
  BackplaneSettings,
  type BackplaneOptions,
  type BackplaneReceiver,
  type HandOver,
} from './websocket/backplane/backplane.js';
export { MemoryBackplane } from './websocket/backplane/memory.backplane.js';
export type { BackplaneState } from './websocket/backplane/node-watch.js';
export type { BackplaneNode } from './websocket/backplane/nodes.js';

// The adapter
export { PlackWsAdapter } from './websocket/adapter/plack-ws.adapter.js';
export { toDuplex } from './websocket/adapter/ws/to-duplex.js';
