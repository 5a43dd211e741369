import type { ServerResponse } from 'node:http';
import type { Connection } from '../../connection/connection.js';
import type { ServedConnection } from '../../connection/served-connection.js';
import type { RequestContext } from '../../request/request-context.js';
import type { MaybePromise } from '../../async/maybe-promise.js';
import type { MessageForm } from '../../serializer/message-form.js';
import type { FailedMessage } from '../failed-message.js';
import type { FilterOutcome } from './compiled-filters.js';

/** Values of the parameters of one `@OnEstablish` that come from the request; holes where the connection comes in. */
export type RequestArguments = unknown[];

/** Those of the endpoint's own class, then of its parts; `undefined` for a part that leaves itself out. */
export type EstablishArguments = (RequestArguments | undefined)[];

/** One `@OnMessage` method, ready to run. */
export interface MessageHandler {
  /** Runs guards, interceptors, pipes and the method; throws or rejects with what they throw. */
  invoke(connection: Connection, payload: unknown, pattern: string, form: MessageForm): unknown;
  /** Gives an exception to the filters. @throws what a filter throws. */
  recover(
    exception: unknown,
    connection: Connection,
    payload: unknown,
    pattern: string,
    form: MessageForm,
  ): MaybePromise<FilterOutcome>;
  /** Its class and method, for the log. */
  readonly name?: string;
  /** Says what else is worth telling about an error of the method. */
  explain?(error: unknown): string | undefined;
  /** The part whose method it is; absent for one of the endpoint's own class. */
  readonly part?: PartHandlers;
}

/** `@OnError`, with the message that failed where there was one. */
export type ErrorHandler = (connection: Connection, error: unknown, message: FailedMessage | undefined) => unknown;

/** The methods of one class that are not for messages. */
export interface ClassHandlers {
  readonly establish: ((connection: ServedConnection, args: RequestArguments) => unknown) | undefined;
  /** Gives an exception of `@OnEstablish` to the filters. @throws what a filter throws. */
  recoverEstablish(exception: unknown, connection: Connection): MaybePromise<FilterOutcome>;
  readonly finish: ((connection: Connection, end: unknown) => unknown) | undefined;
  readonly error: ErrorHandler | undefined;
  /** Says what else is worth telling about an error of `@OnEstablish` or `@OnFinish`. */
  explain?(stage: 'establish' | 'finish', error: unknown): string | undefined;
}

/** A class that is a part of an endpoint. */
export interface PartHandlers extends ClassHandlers {
  readonly name: string;
  /** Connections that it takes no part in: it left itself out, or its `@OnEstablish` never began. */
  readonly absent: WeakSet<Connection>;
}

/**
 * The methods of one endpoint for one connection, or for all of them when nothing is of request scope. What is not said of a
 * part is of the endpoint's own class; messages find their method at once, wherever it is.
 */
export interface EndpointHandlers extends ClassHandlers {
  /** Guards, then the request parameters of `@OnEstablish`, before the 101. Throws or rejects to refuse. */
  handshake(context: RequestContext, response: () => ServerResponse): MaybePromise<EstablishArguments>;
  /** Gives an exception of the handshake to the filters. */
  recoverHandshake(exception: unknown, context: RequestContext, response: () => ServerResponse): FilterOutcome;
  readonly anyMessage: MessageHandler | undefined;
  readonly binaryMessage: MessageHandler | undefined;
  readonly events: ReadonlyMap<string, MessageHandler>;
  /** In the order in which they establish. */
  readonly parts: readonly PartHandlers[];
  /** A method whose parameters would be told better if its compiler wrote their types. */
  readonly untyped?: string | undefined;
}
