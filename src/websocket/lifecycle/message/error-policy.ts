import { isObservable } from 'rxjs';
import { internalError, limitExceeded, TOO_MANY_MESSAGES } from '../../connection/connection-ends.js';
import type { ServedConnection } from '../../connection/served-connection.js';
import { continueWith, isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { toReadable } from '../../async/thrown-value.js';
import { lastItemOf } from '../../async/completion.js';
import type { FailedMessage } from '../../endpoint/failed-message.js';
import type { EndpointHandlers, PartHandlers } from '../../endpoint/pipeline/endpoint-handlers.js';
import { UNHANDLED, type FilterOutcome } from '../../endpoint/pipeline/compiled-filters.js';
import { describeError } from '../../errors/describe-error.js';
import { TooManyMessagesError, TooManyStreamsError, UnsupportedDataError } from '../../errors/plack-websocket.error.js';
import { describeForPeer, isExpected, type PeerError } from '../../errors/peer-error.js';
import { CloseCode } from '../../protocol/close-code.js';
import type { MessageForm } from '../../serializer/message-form.js';
import { RawSerializer } from '../../serializer/raw.serializer.js';
import type { HandledMessage } from './handled-message.js';
import { sendReply } from './reply.js';
import { log } from '../../log/log.js';

/** `@OnError` wants the peer to hear nothing. */
const SILENCE = Symbol('silence');

/**
 * What happens to an error of a connection's handlers: exception filters, then `@OnError`, then the default. The
 * policy itself never throws and never rejects.
 */
export class ErrorPolicy {
  constructor(private readonly handlers: EndpointHandlers) {}

  /** Deals with an error of the message stage. A promise means that a filter or `@OnError` is asynchronous. */
  apply(thrown: unknown, handled: HandledMessage): MaybePromise<void> {
    const error = toReadable(thrown);
    try {
      const applied = continueWith(this.#filter(error, handled), (outcome) =>
        outcome.handled
          ? this.#answer(outcome.value, error, handled, () => undefined)
          : this.#consultOnError(error, handled, handled.handler?.part),
      );
      return isPromiseLike(applied)
        ? applied.catch((fault: unknown) => this.#giveUp(fault, handled.connection))
        : applied;
    } catch (fault) {
      this.#giveUp(fault, handled.connection);
      return undefined;
    }
  }

  /** Deals with an error of `@OnEstablish`: filters, else `@OnError`, may still speak, then it closes with 1011. */
  async applyToEstablish(thrown: unknown, connection: ServedConnection, part?: PartHandlers): Promise<void> {
    const error = toReadable(thrown);
    connection.failEstablish(internalError(error));
    let outcome: FilterOutcome;
    try {
      outcome = await (part ?? this.handlers).recoverEstablish(error, connection);
      if (outcome.handled && (await outcome.value) !== undefined) this.#sendValue(await outcome.value, connection);
    } catch (fault) {
      outcome = filterFailed(fault);
    }
    if (!outcome.handled) await this.#tell('establish', error, connection, part);
    connection.end(internalError(error));
  }

  /** Deals with an error of a finish handler: the peer has left, so there is no answer. */
  async applyToFinish(error: unknown, connection: ServedConnection, part?: PartHandlers): Promise<void> {
    await this.#tell('finish', toReadable(error), connection, part);
  }

  #filter(
    error: unknown,
    { handler, connection, payload, pattern, form }: HandledMessage,
  ): MaybePromise<FilterOutcome> {
    if (handler === undefined) return UNHANDLED;
    try {
      const outcome = handler.recover(error, connection, payload, pattern, form);
      return isPromiseLike(outcome) ? outcome.catch(filterFailed) : outcome;
    } catch (fault) {
      return filterFailed(fault);
    }
  }

  /** Asks `@OnError` of the part that failed, then that of the endpoint. */
  #consultOnError(error: unknown, handled: HandledMessage, part: PartHandlers | undefined): MaybePromise<void> {
    const { connection } = handled;
    const { error: onError } = part ?? this.handlers;
    const goOn = (): MaybePromise<void> =>
      part === undefined ? this.#default(error, handled) : this.#consultOnError(error, handled, undefined);
    if (onError === undefined) return goOn();
    const { sentCount } = connection;
    let result: unknown;
    try {
      result = onError(connection, error, toFailedMessage(handled));
    } catch (fault) {
      logOnErrorFault(fault, connection, part);
      return this.#default(error, handled);
    }
    // It answers by returning, sending or closing; if it only looked, the peer still has to hear something.
    const decided = continueWith(result, (answer) => (answer === null ? SILENCE : answer));
    return this.#answer(decided, error, handled, () =>
      connection.sentCount === sentCount && connection.state !== 'closing' && connection.state !== 'closed'
        ? goOn()
        : undefined,
    );
  }

  /** Sends what a filter or `@OnError` returned; `silent` decides what happens when that was nothing. */
  #answer(
    result: unknown,
    error: unknown,
    handled: HandledMessage,
    silent: () => MaybePromise<void>,
  ): MaybePromise<void> {
    if (isPromiseLike(result) || isObservable(result)) {
      const settled = isObservable(result) ? lastItemOf(result, handled.connection.signal) : Promise.resolve(result);
      return settled.then(
        (value) => this.#answer(value, error, handled, silent),
        (fault: unknown) => {
          log.error('filter', 'A filter or @OnError failed; the default answer is sent', fault, handled.connection);
          return this.#default(error, handled);
        },
      );
    }
    if (result === SILENCE) return undefined;
    if (result === undefined) return silent();
    try {
      sendReply(handled.connection, result, handled.form);
    } catch (fault) {
      log.error(
        'answer',
        'The answer to an error could not be encoded; the default is sent',
        fault,
        handled.connection,
      );
      this.#default(error, handled);
    }
    return undefined;
  }

  #default(error: unknown, { connection, form, handler }: HandledMessage): void {
    this.#log(error, connection, handler?.part, handler?.explain?.(error));
    if (error instanceof UnsupportedDataError) {
      connection.end({ code: CloseCode.unsupportedData, reason: error.message, initiator: 'error', error });
      return;
    }
    // A raw endpoint has no form for errors: a text of ours in the application's stream would be taken for data.
    if (connection.serializer instanceof RawSerializer) {
      connection.end(
        error instanceof TooManyStreamsError
          ? limitExceeded('too many streams', error)
          : error instanceof TooManyMessagesError
            ? TOO_MANY_MESSAGES
            : internalError(error),
      );
      return;
    }
    const told = describeForPeer(error);
    const answer: MessageForm = { kind: 'error', event: form.event, id: form.id };
    if (this.#send(told, answer, connection)) return;
    const { code, message, details } = told;
    if (details !== undefined && this.#send({ code, message }, answer, connection)) return;
    connection.end(internalError(error));
  }

  /** Tells whether the message could be encoded; details of an exception may hold anything. */
  #send(told: PeerError, form: MessageForm, connection: ServedConnection): boolean {
    try {
      connection.dispatch(connection.encode(told, form));
      return true;
    } catch (fault) {
      log.error('answer', 'An error message could not be encoded', fault, connection);
      return false;
    }
  }

  /** The policy itself failed: nothing can be said about the connection any more. */
  #giveUp(fault: unknown, connection: ServedConnection): void {
    log.error('policy', 'The handling of an error failed; the connection closes', fault, connection);
    connection.end(internalError(fault));
  }

  /** Lets `@OnError` know, of the part that failed first; what it returns is sent if the connection is still open. */
  async #tell(
    stage: 'establish' | 'finish',
    error: unknown,
    connection: ServedConnection,
    part: PartHandlers | undefined,
  ): Promise<void> {
    this.#log(error, connection, part, (part ?? this.handlers).explain?.(stage, error));
    for (const one of part === undefined ? [undefined] : [part, undefined]) {
      try {
        const result = await (one ?? this.handlers).error?.(connection, error, undefined);
        if (result !== undefined && result !== null) this.#sendValue(result, connection);
        if (result !== undefined) return;
      } catch (fault) {
        logOnErrorFault(fault, connection, one);
      }
    }
  }

  #sendValue(value: unknown, connection: ServedConnection): void {
    connection.dispatch(connection.encode(value));
  }

  /** @param more what else may help: a sentence. */
  #log(error: unknown, connection: ServedConnection, part: PartHandlers | undefined, more: string | undefined): void {
    if (isAbortByEnd(error, connection)) return;
    const name = nameOf(connection, part);
    if (isExpected(error)) {
      log.debug(name, () => `${name} refused a message: ${describeForPeer(error).code}`, connection);
      return;
    }
    const text = `${name} failed: ${describeError(error)}${more === undefined ? '' : `. ${more}`}`;
    log.error(`${name}, ${classOf(error)}`, text, error, connection);
  }
}

/** Whose code failed, for the log. */
function nameOf({ endpoint }: ServedConnection, part: PartHandlers | undefined): string {
  return part === undefined ? endpoint.name : `${part.name} of ${endpoint.name}`;
}

function logOnErrorFault(fault: unknown, connection: ServedConnection, part: PartHandlers | undefined): void {
  const name = nameOf(connection, part);
  log.error(name, `@OnError of ${name} failed`, fault, connection);
}

/** What `@OnError` may know of the message. */
function toFailedMessage({ raw, form: { event, id } }: HandledMessage): FailedMessage | undefined {
  return raw === undefined ? undefined : { raw, event, id };
}

/** Tells whether a handler only gave up because the signal of its connection told it to. */
function isAbortByEnd(error: unknown, connection: ServedConnection): boolean {
  if (connection.state !== 'closed' || !connection.signal.aborted) return false;
  // What the platform throws may be no instance of this realm's `Error`, so the name has to do.
  return error === connection.signal.reason || (error as { name?: unknown } | undefined | null)?.name === 'AbortError';
}

function filterFailed(fault: unknown): FilterOutcome {
  log.error('filter', 'An exception filter failed; the default answer is sent', fault);
  return UNHANDLED;
}

/** Lines are counted by it: many faults of one kind leave room for another one. */
function classOf(error: unknown): string {
  try {
    return error instanceof Error ? error.constructor.name : typeof error;
  } catch {
    return 'fault';
  }
}
