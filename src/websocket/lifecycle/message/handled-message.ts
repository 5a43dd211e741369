import type { ServedConnection } from '../../connection/served-connection.js';
import type { MessageHandler } from '../../endpoint/pipeline/endpoint-handlers.js';
import type { MessageForm } from '../../serializer/message-form.js';

/**
 * One message on its way through the stage; what the error policy needs to know of it. A class, because V8 may place what an
 * object literal makes with the old objects, which would keep the text of each message until the next full collection.
 */
export class HandledMessage {
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
}
