import { isAsyncIterable, leaveUnread } from '../../async/async-iterable.js';
import { inThisContext } from '../../async/bound-context.js';
import { continueWith } from '../../async/maybe-promise.js';
import { HandlerDeadline } from '../../connection/handler-times.js';
import { HandlerTimeoutError } from '../../errors/plack-websocket.error.js';
import type { ErrorPolicy } from './error-policy.js';
import type { HandledMessage } from './handled-message.js';

/**
 * Settles with the handling of a message, or when its time is over and its sender has been told. The handler runs on, and what it
 * gives later is dropped.
 * @param settled never rejects.
 */
export function limitTime(settled: Promise<void>, handled: HandledMessage, policy: ErrorPolicy): Promise<void> {
  const { connection } = handled;
  return new Promise((resolve) => {
    const giveUp = inThisContext(() => {
      handled.giveUp();
      void continueWith(policy.apply(new HandlerTimeoutError(connection.handlerTimeoutMs), handled), () => resolve());
    });
    const deadline = new HandlerDeadline(giveUp);
    connection.addDeadline(deadline);
    void settled.then(() => {
      connection.removeDeadline(deadline);
      resolve();
    });
  });
}

/** What a handler gave after its time was over is not begun. */
export function dropLate(value: unknown): void {
  if (isAsyncIterable(value)) leaveUnread(value);
}
