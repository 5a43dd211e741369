import type { CleanContext } from '../async/clean-context.js';
import type { ConnectionStages } from '../connection/connection-ports.js';
import type { CurrentConnection } from '../connection/current-connection.js';
import type { FinishInfo } from '../connection/finish-info.js';
import type { ServedConnection } from '../connection/served-connection.js';
import type { MaybePromise } from '../async/maybe-promise.js';
import type { EndpointHandlers, EstablishArguments } from '../endpoint/pipeline/endpoint-handlers.js';
import { runEstablish } from './establish/establish-stage.js';
import { runFinish } from './finish/finish-stage.js';
import { MessageStage } from './message/message-stage.js';

/** What a connection goes through once it exists: establish, messages, finish; one for all that share their handlers. */
export class EndpointStages implements ConnectionStages<ServedConnection> {
  readonly #messages: MessageStage;

  constructor(
    private readonly handlers: EndpointHandlers,
    private readonly current: CurrentConnection,
    private readonly contexts: CleanContext,
  ) {
    this.#messages = new MessageStage(handlers);
  }

  establish(connection: ServedConnection, args: EstablishArguments): MaybePromise<void> {
    return this.current.run(connection, () => runEstablish(connection, this.handlers, args, this.#messages.policy));
  }

  handle(connection: ServedConnection, data: string | Buffer, isBinary: boolean): MaybePromise<void> {
    const { current, contexts } = this;
    const messages = this.#messages;
    if (!current.isEnabled) return contexts.run(handleBy, messages, connection, data, isBinary);
    return contexts.run(() => current.run(connection, () => messages.handle(connection, data, isBinary)));
  }

  finish(connection: ServedConnection, end: FinishInfo): Promise<void> {
    const { current, contexts, handlers } = this;
    return contexts.run(() =>
      current.run(connection, () => runFinish(connection, handlers, end, this.#messages.policy)),
    );
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
