import { isObservable } from 'rxjs';
import { Logger } from '@nestjs/common';
import type { Connection } from '../../connection/connection.js';
import { chain, isPromiseLike, type MaybePromise } from '../../connection/settle.js';
import { lastItemOf } from '../../endpoint/completion.js';
import type { EndpointHandlers } from '../../endpoint/compiled-endpoint.js';
import { UNHANDLED, type FilterOutcome } from '../../endpoint/compiled-filters.js';
import { describe, stackOf } from '../../errors/describe-error.js';
import { UnsupportedDataError } from '../../errors/plack-websocket.error.js';
import { describeForPeer, isExpected } from '../../errors/peer-error.js';
import { CloseCode } from '../../protocol/close-code.js';
import { RawSerializer } from '../../serializer/raw.serializer.js';
import type { MessageInHand } from './message-in-hand.js';
import { sendReply } from './reply.js';

const logger = new Logger('PlackWebSocket');

/**
 * What happens to an error of a connection's handlers: exception filters, then `@OnError`, then the default. The
 * policy itself never throws and never rejects.
 */
export class ErrorPolicy {
  constructor(private readonly handlers: EndpointHandlers) {}

  /** Deals with an error of the message stage. A promise means that a filter or `@OnError` is asynchronous. */
  apply(error: unknown, inHand: MessageInHand): MaybePromise<void> {
    try {
      const applied = chain(this.#filter(error, inHand), (outcome) =>
        outcome.handled
          ? this.#answer(outcome.value, error, inHand, () => undefined)
          : this.#consultOnError(error, inHand),
      );
      return isPromiseLike(applied)
        ? applied.catch((fault: unknown) => this.#giveUp(fault, inHand.connection))
        : applied;
    } catch (fault) {
      this.#giveUp(fault, inHand.connection);
      return undefined;
    }
  }

  /** Deals with an error of `@OnEstablish`: filters, else `@OnError`, may still speak, then it closes with 1011. */
  async applyToEstablish(error: unknown, connection: Connection): Promise<void> {
    let outcome: FilterOutcome;
    try {
      outcome = await this.handlers.recoverEstablish(error, connection);
      if (outcome.handled && (await outcome.value) !== undefined) this.#sendValue(await outcome.value, connection);
    } catch (fault) {
      outcome = filterFailed(fault);
    }
    if (!outcome.handled) await this.#tell(error, connection);
    connection.closeAs({ code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error });
  }

  /** Deals with an error of a finish handler: there is nobody left to answer. */
  async applyToFinish(error: unknown, connection: Connection): Promise<void> {
    await this.#tell(error, connection);
  }

  #filter(error: unknown, { handler, connection, payload, pattern }: MessageInHand): MaybePromise<FilterOutcome> {
    if (handler === undefined) return UNHANDLED;
    try {
      const outcome = handler.recover(error, connection, payload, pattern);
      return isPromiseLike(outcome) ? outcome.catch(filterFailed) : outcome;
    } catch (fault) {
      return filterFailed(fault);
    }
  }

  #consultOnError(error: unknown, inHand: MessageInHand): MaybePromise<void> {
    const { connection } = inHand;
    const { error: onError } = this.handlers;
    if (onError === undefined) return this.#default(error, inHand);
    const { sentCount } = connection;
    let result: unknown;
    try {
      result = onError(connection, error);
    } catch (fault) {
      logger.error(`@OnError of ${connection.endpoint.name} failed.`, stackOf(fault));
      return this.#default(error, inHand);
    }
    // It answers by returning, sending or closing; if it only looked, the peer still has to hear something.
    return this.#answer(result, error, inHand, () =>
      connection.sentCount === sentCount && connection.state !== 'closing' && connection.state !== 'closed'
        ? this.#default(error, inHand)
        : undefined,
    );
  }

  /** Sends what a filter or `@OnError` returned; `silent` decides what happens when that was nothing. */
  #answer(
    result: unknown,
    error: unknown,
    inHand: MessageInHand,
    silent: () => MaybePromise<void>,
  ): MaybePromise<void> {
    if (isPromiseLike(result) || isObservable(result)) {
      const settled = isObservable(result) ? lastItemOf(result, inHand.connection.signal) : Promise.resolve(result);
      return settled.then(
        (value) => this.#answer(value, error, inHand, silent),
        (fault: unknown) => {
          logger.error('A filter or @OnError failed; the default answer is sent.', stackOf(fault));
          return this.#default(error, inHand);
        },
      );
    }
    if (result === undefined) return silent();
    try {
      sendReply(inHand.connection, result, inHand.form);
    } catch (fault) {
      logger.error('The answer to an error could not be encoded; the default is sent.', stackOf(fault));
      this.#default(error, inHand);
    }
    return undefined;
  }

  #default(error: unknown, { connection, form }: MessageInHand): void {
    this.#log(error, connection);
    if (error instanceof UnsupportedDataError) {
      connection.closeAs({ code: CloseCode.unsupportedData, reason: error.message, initiator: 'error', error });
      return;
    }
    // A raw endpoint has no form for errors: a text of ours in the application's stream would be taken for data.
    if (connection.serializer instanceof RawSerializer) {
      connection.closeAs({ code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error });
      return;
    }
    const { code, message, details } = describeForPeer(error);
    const head = { event: 'error', ...(form.id === undefined ? {} : { id: form.id }) };
    const withDetails = details === undefined ? undefined : { ...head, data: { code, message, details } };
    if (withDetails !== undefined && this.#send(withDetails, connection)) return;
    if (this.#send({ ...head, data: { code, message } }, connection)) return;
    connection.closeAs({ code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error });
  }

  /** Tells whether the message could be encoded; details of an exception may hold anything. */
  #send(message: object, connection: Connection): boolean {
    try {
      connection.dispatch(connection.encode(message));
      return true;
    } catch (fault) {
      logger.error('An error message could not be encoded.', stackOf(fault));
      return false;
    }
  }

  /** The policy itself failed: nothing can be said about the connection any more. */
  #giveUp(fault: unknown, connection: Connection): void {
    logger.error('The handling of an error failed; the connection closes.', stackOf(fault));
    connection.closeAs({ code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error: fault });
  }

  /** Lets `@OnError` know; what it returns is sent if there is still somebody to send it to. */
  async #tell(error: unknown, connection: Connection): Promise<void> {
    try {
      this.#log(error, connection);
      const result = await this.handlers.error?.(connection, error);
      if (result !== undefined) this.#sendValue(result, connection);
    } catch (fault) {
      logger.error(`@OnError of ${connection.endpoint.name} failed.`, stackOf(fault));
    }
  }

  #sendValue(value: unknown, connection: Connection): void {
    connection.dispatch(connection.encode(value));
  }

  #log(error: unknown, connection: Connection): void {
    if (isExpected(error) || isAbortByEnd(error, connection)) return;
    logger.error(`${connection.endpoint.name} failed: ${describe(error)}`, stackOf(error));
  }
}

/** Tells whether a handler only gave up because the signal of its connection told it to. */
function isAbortByEnd(error: unknown, connection: Connection): boolean {
  if (connection.state !== 'closed' || !connection.signal.aborted) return false;
  // What the platform throws may be no instance of this realm's `Error`, so the name has to do.
  return error === connection.signal.reason || (error as { name?: unknown } | undefined | null)?.name === 'AbortError';
}

function filterFailed(fault: unknown): FilterOutcome {
  logger.error('An exception filter failed; the default answer is sent.', stackOf(fault));
  return UNHANDLED;
}
