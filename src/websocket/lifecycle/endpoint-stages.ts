import type { CleanContext } from '../async/clean-context.js';
import type { MaybePromise } from '../async/maybe-promise.js';
import { surround } from '../async/surround.js';
import type { ConnectionStages } from '../connection/connection-ports.js';
import type { CurrentConnection } from '../connection/current-connection.js';
import type { FinishInfo } from '../connection/finish-info.js';
import type { ServedConnection } from '../connection/served-connection.js';
import type { AroundOption } from '../endpoint/endpoint.options.js';
import type { EndpointHandlers, EstablishArguments } from '../endpoint/pipeline/endpoint-handlers.js';
import { runEstablish } from './establish/establish-stage.js';
import { runFinish } from './finish/finish-stage.js';
import { MessageStage } from './message/message-stage.js';

/** What a connection goes through once it exists: establish, messages, finish; one for all that share their handlers. */
export class EndpointStages implements ConnectionStages<ServedConnection> {
  readonly #messages: MessageStage;
  /** Nothing has to be set up around a message. */
  readonly #isBare: boolean;

  constructor(
    private readonly handlers: EndpointHandlers,
    private readonly current: CurrentConnection,
    private readonly contexts: CleanContext,
    private readonly around: AroundOption | undefined,
  ) {
    this.#messages = new MessageStage(handlers);
    this.#isBare = !current.isEnabled && around === undefined;
  }

  establish(connection: ServedConnection, args: EstablishArguments): MaybePromise<void> {
    const { policy } = this.#messages;
    return this.#run(
      connection,
      () => runEstablish(connection, this.handlers, args, policy),
      (error) => policy.applyToEstablish(error, connection),
    );
  }

  handle(connection: ServedConnection, data: string | Buffer, isBinary: boolean): MaybePromise<void> {
    const { contexts } = this;
    const messages = this.#messages;
    if (this.#isBare) return contexts.run(handleBy, messages, connection, data, isBinary);
    return contexts.run(() =>
      this.#run(
        connection,
        () => messages.handle(connection, data, isBinary),
        (error) => messages.fail(connection, error, undefined, isBinary ? data : data.toString()),
      ),
    );
  }

  finish(connection: ServedConnection, end: FinishInfo): Promise<void> {
    const { contexts, handlers } = this;
    const { policy } = this.#messages;
    const finish = (): Promise<void> => runFinish(connection, handlers, end, policy);
    return contexts.run(() =>
      // The clean-up runs in any case.
      this.#run(connection, finish, (error) => policy.applyToFinish(error, connection).then(finish)),
    );
  }

  /** Runs code of the application as its options ask for. `fail` takes what the option around throws. */
  #run<T>(connection: ServedConnection, code: () => T, fail: (error: unknown) => T): T {
    const { around } = this;
    return this.current.run(connection, () => {
      if (around === undefined) return code();
      try {
        return surround(around, connection.context, code);
      } catch (error) {
        return fail(error);
      }
    });
  }
}

/** One function for all messages. */
function handleBy(
  messages: MessageStage,
  connection: ServedConnection,
  data: string | Buffer,
  isBinary: boolean,
): MaybePromise<void> {
  return messages.handle(connection, data, isBinary);
}
