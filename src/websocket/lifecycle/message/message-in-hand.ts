import type { Connection } from '../../connection/connection.js';
import type { MessageHandler } from '../../endpoint/compiled-endpoint.js';
import type { ReplyForm } from './reply.js';

/** One message on its way through the stage; what the error policy needs to know of it. */
export interface MessageInHand {
  readonly connection: Connection;
  /** The method that serves it, once that is known. */
  readonly handler: MessageHandler | undefined;
  readonly payload: unknown;
  readonly pattern: string;
  readonly form: ReplyForm;
}
