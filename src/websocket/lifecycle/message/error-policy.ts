import { isObservable, lastValueFrom } from 'rxjs';
import { Logger } from '@nestjs/common';
import type { Connection } from '../../connection/connection.js';
import { isPromiseLike, type MaybePromise } from '../../connection/settle.js';
import type { EndpointHandlers } from '../../endpoint/compiled-endpoint.js';
import { UNHANDLED, type FilterOutcome } from '../../endpoint/compiled-filters.js';
import { UnsupportedDataError } from '../../errors/plack-websocket.error.js';
import { describeForPeer, isExpected } from '../../errors/peer-error.js';
import { CloseCode } from '../../protocol/close-code.js';
import { RawSerializer } from '../../serializer/raw.serializer.js';
import type { MessageInHand } from './message-in-hand.js';
import { sendReply } from './reply.js';

/**
 * What happens to an error of a connection's handlers: exception filters, then `@OnError`, then the default. The
 * policy itself never throws and never rejects.
 */
export class ErrorPolicy {
  readonly #logger = new Logger('PlackWebSocket');

  constructor(private readonly handlers: EndpointHandlers) {}

  /** Deals with an error of the message stage. A promise means that a filter or `@OnError` is asynchronous. */
  apply(error: unknown, inHand: MessageInHand): MaybePromise<void> {
    const outcome = this.#filter(error, inHand);
    if (!outcome.handled) return this.#consultOnError(error, inHand);
    return this.#answer(outcome.value, error, inHand, () => undefined);
  }

  /** Deals with an error of `@OnEstablish`: `@OnError` may still speak, then the connection closes with 1011. */
  async applyToEstablish(error: unknown, connection: Connection): Promise<void> {
    this.#log(error, connection);
    await this.#tell(error, connection);
    connection.closeAs({ code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error });
  }

  /** Deals with an error of a finish handler: there is nobody left to answer. */
  async applyToFinish(error: unknown, connection: Connection): Promise<void> {
    this.#log(error, connection);
    await this.#tell(error, connection);
  }

  #filter(error: unknown, { handler, connection, payload, pattern }: MessageInHand): FilterOutcome {
    if (handler === undefined) return UNHANDLED;
    try {
      return handler.recover(error, connection, payload, pattern);
    } catch (fault) {
      this.#logger.error('An exception filter failed; the default answer is sent.', stackOf(fault));
      return UNHANDLED;
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
      this.#logger.error(`@OnError of ${connection.endpoint.name} failed.`, stackOf(fault));
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
      const settled = isObservable(result)
        ? lastValueFrom(result, { defaultValue: undefined })
        : Promise.resolve(result);
      return settled.then(
        (value) => this.#answer(value, error, inHand, silent),
        (fault: unknown) => {
          this.#logger.error('A filter or @OnError failed; the default answer is sent.', stackOf(fault));
          return this.#default(error, inHand);
        },
      );
    }
    if (result === undefined) return silent();
    try {
      sendReply(inHand.connection, result, inHand.form);
    } catch (fault) {
      this.#logger.error('The answer to an error could not be encoded; the default is sent.', stackOf(fault));
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
    const { id } = form;
    try {
      const message = { event: 'error', ...(id === undefined ? {} : { id }), data: describeForPeer(error) };
      connection.dispatch(connection.encode(message));
    } catch (fault) {
      this.#logger.error('The error message could not be encoded; the connection closes.', stackOf(fault));
      connection.closeAs({ code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error });
    }
  }

  /** Lets `@OnError` know; what it returns is sent if there is still somebody to send it to. */
  async #tell(error: unknown, connection: Connection): Promise<void> {
    try {
      const result = await this.handlers.error?.(connection, error);
      if (result !== undefined) connection.dispatch(connection.encode(result));
    } catch (fault) {
      this.#logger.error(`@OnError of ${connection.endpoint.name} failed.`, stackOf(fault));
    }
  }

  #log(error: unknown, connection: Connection): void {
    if (isExpected(error)) return;
    this.#logger.error(`${connection.endpoint.name} failed: ${describeForLog(error)}`, stackOf(error));
  }
}

function describeForLog(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : String(error);
}
