import { isObservable } from 'rxjs';
import type { Connection } from '../../connection/connection.js';
import { isPromiseLike, type MaybePromise } from '../../connection/settle.js';
import { isAsyncIterable } from '../../endpoint/async-iterable.js';
import type { EndpointHandlers, MessageHandler } from '../../endpoint/compiled-endpoint.js';
import { Intercepted } from '../../endpoint/compiled-interceptors.js';
import { MessageDecodingError, UnknownEventError, UnsupportedDataError } from '../../errors/plack-websocket.error.js';
import { ErrorPolicy } from './error-policy.js';
import type { MessageInHand } from './message-in-hand.js';
import { PLAIN_REPLY, readId, sendReply, sendReplyAndWait, type ReplyForm } from './reply.js';
import { streamIterable, streamObservable } from './stream-reply.js';

/**
 * The message stage: decode, per-connection handlers, route, handler, reply. One for all connections that share their
 * handlers. Every error ends in the error policy; nothing is ever thrown or rejected to the caller.
 */
export class MessageStage {
  readonly policy: ErrorPolicy;

  constructor(private readonly handlers: EndpointHandlers) {
    this.policy = new ErrorPolicy(handlers);
  }

  /** Handles one message. A promise means that the next message has to wait for it. */
  handle(connection: Connection, data: string | Buffer, isBinary: boolean): MaybePromise<void> {
    const { handlers } = this;
    if (isBinary && handlers.binaryMessage !== undefined) {
      const own = this.#runOwnHandlers(connection, data);
      if (own !== undefined)
        return own.then(() => this.#run(connection, handlers.binaryMessage, data, 'binary', PLAIN_REPLY));
      return this.#run(connection, handlers.binaryMessage, data, 'binary', PLAIN_REPLY);
    }
    let message: unknown;
    try {
      message = connection.serializer.decode(isBinary ? data : data.toString(), isBinary);
    } catch (error) {
      return this.policy.apply(
        error instanceof UnsupportedDataError ? error : new MessageDecodingError(error),
        takeInHand(connection, undefined, undefined, 'message', PLAIN_REPLY),
      );
    }
    const own = this.#runOwnHandlers(connection, message);
    return own === undefined ? this.#route(connection, message) : own.then(() => this.#route(connection, message));
  }

  #route(connection: Connection, message: unknown): MaybePromise<void> {
    try {
      return this.#dispatch(connection, message);
    } catch (error) {
      // A serializer of the application may decode to an object whose members throw when they are read.
      return this.policy.apply(
        new MessageDecodingError(error),
        takeInHand(connection, undefined, undefined, 'message', PLAIN_REPLY),
      );
    }
  }

  #dispatch(connection: Connection, message: unknown): MaybePromise<void> {
    const { events, anyMessage } = this.handlers;
    if (events.size > 0 && typeof message === 'object' && message !== null) {
      const { event } = message as { event?: unknown };
      if (typeof event === 'string') {
        const handler = events.get(event);
        if (handler !== undefined) {
          const { data } = message as { data?: unknown };
          return this.#run(connection, handler, data, event, { event, id: readId(message) });
        }
      }
    }
    if (anyMessage !== undefined) return this.#run(connection, anyMessage, message, 'message', PLAIN_REPLY);
    if (events.size === 0 || connection.messageHandlers !== undefined) return;
    return this.#refuseUnrouted(connection, message);
  }

  #refuseUnrouted(connection: Connection, message: unknown): MaybePromise<void> {
    const isEvent = typeof message === 'object' && message !== null && 'event' in message;
    const form: ReplyForm = { event: undefined, id: readId(message) };
    const error = isEvent
      ? new UnknownEventError()
      : new MessageDecodingError(new TypeError('A message of this endpoint is an object { event, data }.'));
    return this.policy.apply(error, takeInHand(connection, undefined, undefined, 'message', form));
  }

  /** Runs the handlers of this connection, one after the other; a failing one does not keep the others from running. */
  #runOwnHandlers(
    connection: Connection,
    message: unknown,
    from = 0,
    entries = connection.messageHandlers,
  ): Promise<void> | undefined {
    if (entries === undefined) return undefined;
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i];
      if (entry === undefined) continue;
      let pending: MaybePromise<unknown>;
      try {
        const result = entry.handler(connection, message, entry.unregister);
        pending = isPromiseLike(result)
          ? Promise.resolve(result).catch((error: unknown) => this.#fail(connection, error, message))
          : undefined;
      } catch (error) {
        pending = this.#fail(connection, error, message);
      }
      if (isPromiseLike(pending)) {
        return Promise.resolve(pending).then(() => this.#runOwnHandlers(connection, message, i + 1, entries));
      }
    }
    return undefined;
  }

  #fail(connection: Connection, error: unknown, message: unknown): MaybePromise<void> {
    return this.policy.apply(
      error,
      takeInHand(connection, undefined, message, 'message', { event: undefined, id: readId(message) }),
    );
  }

  #run(
    connection: Connection,
    handler: MessageHandler | undefined,
    payload: unknown,
    pattern: string,
    form: ReplyForm,
  ): MaybePromise<void> {
    if (handler === undefined) return;
    try {
      const result = handler.invoke(connection, payload, pattern);
      if (result === undefined) return;
      if (typeof result !== 'object' || result === null) {
        sendReply(connection, result, form);
        return;
      }
      const pending = this.#reply(connection, result, handler, payload, pattern, form);
      return isPromiseLike(pending)
        ? pending.catch((error: unknown) =>
            this.policy.apply(error, takeInHand(connection, handler, payload, pattern, form)),
          )
        : undefined;
    } catch (error) {
      return this.policy.apply(error, takeInHand(connection, handler, payload, pattern, form));
    }
  }

  #reply(
    connection: Connection,
    result: object,
    handler: MessageHandler,
    payload: unknown,
    pattern: string,
    form: ReplyForm,
  ): Promise<void> | undefined {
    if (result instanceof Intercepted)
      return this.#replyIntercepted(connection, result, handler, payload, pattern, form);
    if (isPromiseLike(result)) {
      return Promise.resolve(result).then((value) =>
        typeof value === 'object' && value !== null
          ? this.#reply(connection, value, handler, payload, pattern, form)
          : sendReply(connection, value, form),
      );
    }
    if (isObservable(result)) {
      this.#stream(result, takeInHand(connection, handler, payload, pattern, form));
      return undefined;
    }
    if (isAsyncIterable(result)) {
      this.#pull(result, takeInHand(connection, handler, payload, pattern, form));
      return undefined;
    }
    sendReply(connection, result, form);
    return undefined;
  }

  /** Streams run beside the next messages: a feed that never ends must not keep the connection from being heard. */
  #stream(source: Parameters<typeof streamObservable>[1], inHand: MessageInHand, settled?: () => void): void {
    const { connection } = inHand;
    streamObservable(connection, source, (item) => sendReply(connection, item, inHand.form), {
      onEnd: () => settled?.(),
      onError: (error) => {
        const applied = this.policy.apply(error, inHand);
        if (isPromiseLike(applied)) void applied.then(() => settled?.());
        else settled?.();
      },
    });
  }

  #pull(source: AsyncIterable<unknown>, inHand: MessageInHand): void {
    const { connection } = inHand;
    streamIterable(connection, source, (item) => sendReplyAndWait(connection, item, inHand.form)).catch(
      (error: unknown) => this.policy.apply(error, inHand),
    );
  }

  /** Interceptors make a stream of everything; the next message waits unless the method itself answers with one. */
  #replyIntercepted(
    connection: Connection,
    intercepted: Intercepted,
    handler: MessageHandler,
    payload: unknown,
    pattern: string,
    form: ReplyForm,
  ): Promise<void> | undefined {
    let settled = false;
    let release: (() => void) | undefined;
    const settle = (): void => {
      settled = true;
      release?.();
    };
    intercepted.onStream = settle;
    this.#stream(intercepted.results, takeInHand(connection, handler, payload, pattern, form), settle);
    // Most chains are synchronous and have settled by now.
    return settled ? undefined : new Promise((resolve) => (release = resolve));
  }
}

function takeInHand(
  connection: Connection,
  handler: MessageHandler | undefined,
  payload: unknown,
  pattern: string,
  form: ReplyForm,
): MessageInHand {
  return { connection, handler, payload, pattern, form };
}
