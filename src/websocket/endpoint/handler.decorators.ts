import { THIS_COPY } from '../copies/this-copy.js';
import { decoratedMethod } from './decorated-method.js';
import { COPY_METADATA, HANDLER_METADATA, HANDLER_NAMES_METADATA } from './definition/metadata-keys.js';

/** What a method of an endpoint is for. */
export type HandlerRole =
  | { readonly kind: 'establish' | 'finish' | 'error' }
  | { readonly kind: 'message'; readonly event?: string; readonly binary?: boolean };

/** The decorator of a role, as it is written. */
export function nameDecorator(role: HandlerRole): string {
  if (role.kind !== 'message') return `@On${role.kind.charAt(0).toUpperCase()}${role.kind.slice(1)}()`;
  if (role.event !== undefined) return `@OnMessage('${role.event}')`;
  return role.binary === true ? '@OnMessage({ binary: true })' : '@OnMessage()';
}

/** What `@OnMessage` may be given. */
export interface OnMessageOptions {
  /** Take binary messages (RFC 6455 §5.6) as `Buffer`, past the serializer. */
  binary: true;
}

/**
 * Runs when a connection is established: the 101 is out and the connection is in the registry. For one method of a
 * class.
 *
 * Undecorated parameters are the `Connection`, the `RequestContext` and the list of handshake results, by declared class
 * or in this order. What the client sent (`@Param`, `@Query`, `@Cookies`, parameters of `createParamDecorator`) is piped
 * before the 101, and guards on this method run there too, so both refuse with an HTTP status.
 *
 * May be asynchronous; messages that arrive meanwhile wait. The return value is not sent. A throw or a rejection goes to
 * exception filters, else to `@OnError`; what they return is sent, and the connection closes with 1011.
 *
 * @example
 * ```ts
 * @OnEstablish()
 * enter(
 *   connection: Connection<Badge>,
 *   @Param('hall', ParseIntPipe) hall: number,
 *   @HandshakeResult(0) returning: boolean,
 * ): void {
 *   const { user, protocol } = connection;
 *   void connection.send({ event: 'welcome', data: { name: user.name, hall, returning, protocol } });
 * }
 * ```
 */
export function OnEstablish(): MethodDecorator {
  return mark({ kind: 'establish' });
}

/**
 * Handles messages: all of them without an argument, one event (`{ event, data }`) with a name, binary messages with
 * `{ binary: true }`, past the serializer. Each at most once per class; a method may carry several. The more special one
 * wins.
 *
 * Undecorated parameters are the `Connection` and the message (for an event: its `data`), by declared class or in this
 * order. An interface leaves no class behind, so there write `(connection, message)` or `@MessageBody() message`: in
 * `say(message: AnInterface)` the first place belongs to the connection.
 *
 * What the method returns is the reply: a value, a promise, an Observable or an AsyncIterable; `undefined` is none, but an
 * event that had an `id` is answered by `{ event, id }`, because its sender waits. The reply to an event is `{ event, data }`
 * with the `id` of the message, if it had one. The next message waits until the method has settled; streams do not hold it up
 * (see `concurrency`).
 *
 * A throw or a rejection goes to exception filters, then to `@OnError`, then to the default error message; the connection
 * stays open, except on raw endpoints, which close 1011.
 *
 * @example
 * ```ts
 * @OnMessage('countdown')
 * async *countdown(@MessageBody({ schema: Start }) start: number): AsyncGenerator<number> {
 *   for (let number = start; number > 0; number--) {
 *     yield number;
 *     await delay(BEAT_MS);
 *   }
 * }
 * ```
 */
export function OnMessage(eventOrOptions?: string | OnMessageOptions): MethodDecorator {
  if (eventOrOptions === undefined) return mark({ kind: 'message' });
  if (typeof eventOrOptions === 'string') return mark({ kind: 'message', event: eventOrOptions });
  return mark({ kind: 'message', binary: eventOrOptions.binary });
}

/**
 * Runs once when an established connection is over, after `@OnEstablish` has settled and after the connection left the
 * registry. For one method of a class.
 *
 * Undecorated parameters are the `Connection` and the {@link FinishInfo}, by declared class or in this order. No guard
 * ever runs here. May be asynchronous; a shutdown waits for it. A throw or a rejection is told to `@OnError` and logged;
 * exception filters are not asked.
 *
 * @example
 * ```ts
 * @OnFinish()
 * leave(connection: Connection<unknown, Visit>, end: FinishInfo): void {
 *   if (end.initiator === 'shutdown') return; // all leave at once: there is no one left to tell
 *   const { name, room } = connection.data;
 *   this.registry.to(room).send({ event: 'left', data: { name } });
 * }
 * ```
 */
export function OnFinish(): MethodDecorator {
  return mark({ kind: 'finish' });
}

/**
 * Handles errors of the other methods. For one method of a class. Errors of `@OnMessage` and `@OnEstablish` come
 * here when no exception filter took them; those of finish handlers and of handlers added with `connection.on` always do.
 *
 * Undecorated parameters are the `Connection`, the thrown value, which may be anything, and the {@link FailedMessage} for an
 * error of a message: one that could not be decoded and one without a handler are errors too. It answers by returning a value,
 * by sending or by closing; `null` answers with silence. If it does none of that, the default answer follows. After an error of
 * `@OnEstablish` what it returns is sent and the connection closes with 1011. A throw or a rejection is logged, and the
 * default answer follows.
 *
 * @example
 * ```ts
 * @OnError()
 * explain(connection: Connection, error: unknown): unknown {
 *   if (error instanceof OutOfTea) return { event: 'sorry', data: { backAt: error.backAt } };
 *   return undefined; // the default answer
 * }
 * ```
 */
export function OnError(): MethodDecorator {
  return mark({ kind: 'error' });
}

function mark(role: HandlerRole): MethodDecorator {
  return (target, name, descriptor: PropertyDescriptor | undefined) => {
    const method = decoratedMethod(nameDecorator(role), target, name, descriptor);
    const roles = (Reflect.getOwnMetadata(HANDLER_METADATA, method) as HandlerRole[] | undefined) ?? [];
    // Decorators run from the bottom up; roles are kept in reading order.
    Reflect.defineMetadata(HANDLER_METADATA, [role, ...roles], method);
    Reflect.defineMetadata(COPY_METADATA, THIS_COPY, method);
    const names = (Reflect.getOwnMetadata(HANDLER_NAMES_METADATA, target) as string[] | undefined) ?? [];
    Reflect.defineMetadata(HANDLER_NAMES_METADATA, [...names, name], target);
  };
}
