import type { StreamName } from '../../async/async-iterable.js';
import type { ServedConnection } from '../../connection/served-connection.js';
import type { MessageHandler } from '../../endpoint/pipeline/endpoint-handlers.js';
import type { MessageForm } from '../../serializer/message-form.js';

/**
 * One message on its way through the stage; what the error policy needs to know of it. A class, because V8 may place what an
 * object literal makes with the old objects, which would keep the text of each message until the next full collection.
 */
export class HandledMessage {
  /** Its time is over: what its handler gives from now on is dropped. */
  isGivenUp = false;
  /** Ends what its handler has begun. */
  onGiveUp: (() => void) | undefined;

  constructor(
    readonly connection: ServedConnection,
    /** The method that serves it, once that is known. */
    readonly handler: MessageHandler | undefined,
    readonly payload: unknown,
    readonly pattern: string,
    readonly form: MessageForm,
    /** The message as it came, kept only where `@OnError` may ask for it. */
    readonly raw: string | Buffer | undefined,
  ) {}

  /** For the log, where a stream that its handler gave does not stop. */
  get streamName(): StreamName {
    return { method: this.handler?.name ?? this.connection.endpoint.name, lateMs: this.connection.lateHandlerMs };
  }

  giveUp(): void {
    this.isGivenUp = true;
    this.onGiveUp?.();
  }
}
