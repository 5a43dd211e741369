import type { ErrorPolicy } from './error-policy.js';
import type { HandledMessage } from './handled-message.js';
import { sendReply } from './reply.js';
import type { ReplySink } from './stream-reply.js';

/** The reply of a method that answers with an Observable: a feed that never ends must not keep the connection from being heard. */
export class StreamedReply implements ReplySink {
  constructor(
    private readonly handled: HandledMessage,
    private readonly policy: ErrorPolicy,
  ) {}

  send(item: unknown): void {
    sendReply(this.handled.connection, item, this.handled.form);
  }

  failed(error: unknown): void {
    void this.policy.apply(error, this.handled);
  }

  ended(): void {}
}
