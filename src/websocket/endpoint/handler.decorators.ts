import { HANDLER_METADATA } from './metadata-keys.js';

/** What a method of an endpoint is for. */
export type HandlerRole =
  | { readonly kind: 'establish' | 'finish' | 'error' }
  | { readonly kind: 'message'; readonly event?: string; readonly binary?: boolean };

/** What `@OnMessage` may be given. */
export interface OnMessageOptions {
  /** Take binary messages (RFC 6455 §5.6) as `Buffer`, past the serializer. */
  binary: true;
}

/**
 * Runs when a connection is established: the 101 is out and the connection is in the registry. Once per class.
 *
 * Undecorated parameters are the `Connection`, the `RequestContext` and the list of handshake results, by declared
 * class or in this order. Parameters that come from the request (`@Param`, `@Query`, `@Headers`, …) are resolved and
 * piped before the 101, and guards on this method run there too, so both refuse with an HTTP status.
 *
 * May be asynchronous; messages that arrive meanwhile wait. A throw or rejection closes the connection with 1011. The
 * return value is not sent.
 */
export function OnEstablish(): MethodDecorator {
  return mark({ kind: 'establish' });
}

/**
 * Handles messages: all of them without an argument, one event (`{ event, data }`) with a name, binary messages with
 * `{ binary: true }`. Each at most once per class; a method may carry several. The more special one wins.
 *
 * Undecorated parameters are the `Connection` and the message (for an event: its `data`), by declared class or in this
 * order. What the method returns is the reply: a value, a promise, an Observable or an AsyncIterable; `undefined` is
 * none. The reply to an event is `{ event, data }` with the `id` of the message, if it had one.
 *
 * Messages of one connection are handled one at a time and in order (see `concurrency`). A throw or rejection goes
 * through exception filters, then `@OnError`, then the default error message; the connection stays open, except on raw
 * endpoints, which close 1011.
 */
export function OnMessage(eventOrOptions?: string | OnMessageOptions): MethodDecorator {
  if (eventOrOptions === undefined) return mark({ kind: 'message' });
  if (typeof eventOrOptions === 'string') return mark({ kind: 'message', event: eventOrOptions });
  return mark({ kind: 'message', binary: eventOrOptions.binary });
}

/**
 * Runs once when an established connection is over, after `@OnEstablish` has settled and after the connection left the
 * registry. Once per class.
 *
 * Undecorated parameters are the `Connection` and the {@link FinishInfo}, by declared class or in this order. No guard
 * ever runs here. May be asynchronous; a shutdown waits for it. A throw or rejection is reported to `@OnError` and
 * logged.
 */
export function OnFinish(): MethodDecorator {
  return mark({ kind: 'finish' });
}

/**
 * Handles errors of the other methods that no exception filter handled. Once per class.
 *
 * Undecorated parameters are the `Connection` and the error. It answers by returning a value, by sending or by closing;
 * if it does none of that, the default answer follows. A throw or rejection is logged and the default answer follows.
 */
export function OnError(): MethodDecorator {
  return mark({ kind: 'error' });
}

function mark(role: HandlerRole): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const method: object = descriptor.value as object;
    const roles = (Reflect.getOwnMetadata(HANDLER_METADATA, method) as HandlerRole[] | undefined) ?? [];
    // Decorators run from the bottom up; roles are kept in reading order.
    Reflect.defineMetadata(HANDLER_METADATA, [role, ...roles], method);
  };
}
