import { isObservable, type Observable } from 'rxjs';
import type { ServedConnection } from '../../connection/served-connection.js';
import { LateAnswerError } from '../../async/at-once.js';
import { isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { isAsyncIterable } from '../../async/async-iterable.js';
import type { EndpointHandlers, MessageHandler } from '../../endpoint/pipeline/endpoint-handlers.js';
import { Intercepted } from '../../endpoint/pipeline/compiled-interceptors.js';
import {
  MessageDecodingError,
  UnknownEventError,
  UnsupportedDataError,
  type TooManyMessagesError,
} from '../../errors/plack-websocket.error.js';
import { log } from '../../log/log.js';
import { toReadable } from '../../async/thrown-value.js';
import { decodeWith, describeForm } from '../../serializer/codec.js';
import type { MessageForm } from '../../serializer/message-form.js';
import { isMeantAsEvent, readData, readEvent, readId } from '../../serializer/envelope.js';
import { ErrorPolicy } from './error-policy.js';
import { InterceptedReply } from './intercepted-reply.js';
import { HandledMessage } from './handled-message.js';
import { dropLate, limitTime } from './time-limit.js';
import { isAwaited, PLAIN_REPLY, sendReplyAndTell, sendResult } from './reply.js';
import { StreamedReply } from './streamed-reply.js';
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
  handle(connection: ServedConnection, data: string | Buffer, isBinary: boolean): MaybePromise<void> {
    const { binaryMessage } = this.handlers;
    const raw = isBinary ? data : data.toString();
    if (isBinary && binaryMessage !== undefined) {
      const refusal = connection.isRated ? connection.messageRefusal() : undefined;
      if (refusal !== undefined) return this.#refuse(connection, refusal, raw, raw);
      const own = this.#runOwnHandlers(connection, raw, raw);
      if (own !== undefined)
        return this.#afterOwn(connection, own, raw, raw, () =>
          this.#run(connection, binaryMessage, raw, 'binary', PLAIN_REPLY, raw),
        );
      return this.#run(connection, binaryMessage, raw, 'binary', PLAIN_REPLY, raw);
    }
    let message: unknown;
    try {
      message = decodeWith(connection.serializer, raw, isBinary, connection);
    } catch (thrown) {
      const error = toReadable(thrown);
      const refusal = connection.isRated ? connection.messageRefusal() : undefined;
      if (refusal !== undefined) return this.#refuse(connection, refusal, error, raw);
      return this.policy.apply(
        error instanceof UnsupportedDataError || error instanceof LateAnswerError
          ? error
          : new MessageDecodingError(error),
        this.#handled(connection, undefined, undefined, 'message', formOf(error), raw),
      );
    }
    if (connection.isRated) {
      const refusal = connection.messageRefusal() ?? connection.eventRefusal(eventOf(message));
      if (refusal !== undefined) return this.#refuse(connection, refusal, message, raw);
    }
    const own = this.#runOwnHandlers(connection, message, raw);
    return own === undefined
      ? this.#route(connection, message, raw)
      : this.#afterOwn(connection, own, message, raw, () => this.#route(connection, message, raw));
  }

  /** The handlers of this connection have to settle first. Where they take too long, that was all for this message. */
  #afterOwn(
    connection: ServedConnection,
    own: Promise<void>,
    message: unknown,
    raw: string | Buffer,
    goOn: () => MaybePromise<void>,
  ): Promise<void> {
    if (connection.handlerTimeoutMs === 0) return own.then(goOn);
    const handled = this.#handled(connection, undefined, message, 'message', formOf(message), raw);
    return limitTime(own, handled, this.policy).then(() => (handled.isGivenUp ? undefined : goOn()));
  }

  /** Its sender has sent too many; where the rate closes, that was the answer. */
  #refuse(
    connection: ServedConnection,
    refusal: TooManyMessagesError,
    message: unknown,
    raw: string | Buffer,
  ): MaybePromise<void> {
    if (connection.state !== 'open') return undefined;
    return this.policy.apply(refusal, this.#handled(connection, undefined, message, 'message', formOf(message), raw));
  }

  #route(connection: ServedConnection, message: unknown, raw: string | Buffer): MaybePromise<void> {
    try {
      return this.#dispatch(connection, message, raw);
    } catch (error) {
      // A serializer of the application may decode to an object whose members throw when they are read.
      return this.policy.apply(
        new MessageDecodingError(error),
        this.#handled(connection, undefined, undefined, 'message', PLAIN_REPLY, raw),
      );
    }
  }

  #dispatch(connection: ServedConnection, message: unknown, raw: string | Buffer): MaybePromise<void> {
    const { events, anyMessage } = this.handlers;
    const event = events.size === 0 ? undefined : readEvent(message);
    if (event !== undefined) {
      const handler = events.get(event);
      if (handler !== undefined) {
        const form: MessageForm = { kind: 'reply', event, id: readId(message) };
        return this.#run(connection, handler, readData(message), event, form, raw);
      }
    }
    if (anyMessage !== undefined) return this.#run(connection, anyMessage, message, 'message', PLAIN_REPLY, raw);
    if (events.size === 0 || connection.messageHandlers !== undefined) return;
    return this.#refuseUnrouted(connection, message, raw);
  }

  #refuseUnrouted(connection: ServedConnection, message: unknown, raw: string | Buffer): MaybePromise<void> {
    const form = formOf(message);
    const error = isMeantAsEvent(message)
      ? new UnknownEventError()
      : new MessageDecodingError(
          undefined,
          `A message of this endpoint is an object ${describeForm(connection.serializer)}.`,
        );
    return this.policy.apply(error, this.#handled(connection, undefined, undefined, 'message', form, raw));
  }

  /** Runs the handlers of this connection, one after the other; a failing one does not keep the others from running. */
  #runOwnHandlers(
    connection: ServedConnection,
    message: unknown,
    raw: string | Buffer,
    from = 0,
    entries = connection.messageHandlers,
  ): Promise<void> | undefined {
    if (entries === undefined) return undefined;
    connection.handling = OWN_HANDLER;
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i];
      if (entry === undefined) continue;
      let pending: MaybePromise<unknown>;
      try {
        const result = entry.handler(connection, message, entry.unregister);
        pending = isPromiseLike(result)
          ? Promise.resolve(result).catch((error: unknown) => this.fail(connection, error, message, raw))
          : undefined;
      } catch (error) {
        pending = this.fail(connection, error, message, raw);
      }
      if (isPromiseLike(pending)) {
        return Promise.resolve(pending).then(() => this.#runOwnHandlers(connection, message, raw, i + 1, entries));
      }
    }
    return undefined;
  }

  /** Answers a fault outside of the method that a message is for. */
  fail(connection: ServedConnection, error: unknown, message: unknown, raw: string | Buffer): MaybePromise<void> {
    return this.policy.apply(error, this.#handled(connection, undefined, message, 'message', formOf(message), raw));
  }

  #run(
    connection: ServedConnection,
    handler: MessageHandler | undefined,
    payload: unknown,
    pattern: string,
    form: MessageForm,
    raw: string | Buffer,
  ): MaybePromise<void> {
    if (handler === undefined) return;
    connection.handling = handler.name;
    try {
      const result = handler.invoke(connection, payload, pattern, form);
      if (result === undefined && !isAwaited(form)) return;
      if (!isLater(result)) {
        sendResult(connection, result, form);
        return;
      }
      const handled = this.#handled(connection, handler, payload, pattern, form, raw);
      const settled = this.#reply(result, handled)?.catch((error: unknown) => this.#failLater(error, handled));
      return settled === undefined || connection.handlerTimeoutMs === 0
        ? settled
        : limitTime(settled, handled, this.policy);
    } catch (error) {
      return this.policy.apply(error, this.#handled(connection, handler, payload, pattern, form, raw));
    }
  }

  #reply(result: Later, handled: HandledMessage): Promise<void> | undefined {
    if (result instanceof Intercepted) return this.#replyIntercepted(result, handled);
    if (isPromiseLike(result)) {
      return Promise.resolve(result).then((value) => {
        if (handled.isGivenUp) return dropLate(value);
        return isLater(value) ? this.#reply(value, handled) : sendResult(handled.connection, value, handled.form);
      });
    }
    if (isObservable(result)) streamObservable(handled.connection, result, new StreamedReply(handled, this.policy));
    else this.#pull(result, handled);
    return undefined;
  }

  #failLater(error: unknown, handled: HandledMessage): MaybePromise<void> {
    if (!handled.isGivenUp) return this.policy.apply(error, handled);
    log.warn(
      'late handler',
      `${handled.handler?.name ?? handled.pattern} failed after its time was over`,
      error,
      handled.connection,
    );
    return undefined;
  }

  #pull(source: AsyncIterable<unknown>, handled: HandledMessage): void {
    const { connection } = handled;
    const send = (item: unknown): Promise<boolean> | undefined => sendReplyAndTell(connection, item, handled.form);
    streamIterable(connection, source, send, handled.streamName).catch((error: unknown) =>
      this.policy.apply(error, handled),
    );
  }

  /** Interceptors make a stream of everything; the next message waits unless the method itself answers with one. */
  #replyIntercepted(intercepted: Intercepted, handled: HandledMessage): Promise<void> | undefined {
    const reply = new InterceptedReply(handled, this.policy);
    intercepted.owner = reply;
    reply.begin(streamObservable(handled.connection, intercepted.results, reply, true));
    return reply.settled;
  }

  /** Not made for what is answered at once: most messages are, and an object for each of them would be waste. */
  #handled(
    connection: ServedConnection,
    handler: MessageHandler | undefined,
    payload: unknown,
    pattern: string,
    form: MessageForm,
    raw: string | Buffer,
  ): HandledMessage {
    const onError = this.handlers.error ?? handler?.part?.error;
    return new HandledMessage(connection, handler, payload, pattern, form, onError === undefined ? undefined : raw);
  }
}

/** A handler of one connection, for the log. */
const OWN_HANDLER = "a handler of connection.on('message')";

/** A serializer of the application may decode to an object whose members throw when they are read. */
function eventOf(message: unknown): string | undefined {
  try {
    return readEvent(message);
  } catch {
    return undefined;
  }
}

/** The form of an answer to a message without a handler: its id, which an error of `decode` may have kept. */
function formOf(message: unknown): MessageForm {
  return { kind: 'reply', event: undefined, id: readId(message) };
}

/** What a method may return instead of a value. */
type Later = Intercepted | PromiseLike<unknown> | Observable<unknown> | AsyncIterable<unknown>;

function isLater(result: unknown): result is Later {
  if (typeof result !== 'object' || result === null) return false;
  return result instanceof Intercepted || isPromiseLike(result) || isObservable(result) || isAsyncIterable(result);
}
