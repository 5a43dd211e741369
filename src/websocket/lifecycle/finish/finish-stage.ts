import type { Connection } from '../../connection/connection.js';
import type { FinishInfo } from '../../connection/finish-info.js';
import { completionOf } from '../../endpoint/completion.js';
import type { EndpointHandlers } from '../../endpoint/compiled-endpoint.js';

/** Where errors of finish handlers go. */
export interface FinishErrors {
  applyToFinish(error: unknown, connection: Connection): Promise<void>;
}

/**
 * Runs the finish handlers of the connection in registration order, then `@OnFinish`. Every one runs, even if another
 * fails. Never throws and never rejects.
 */
export async function runFinish(
  connection: Connection,
  handlers: EndpointHandlers,
  end: FinishInfo,
  errors: FinishErrors,
): Promise<void> {
  for (const { handler, unregister } of connection.takeFinishHandlers()) {
    await attempt(() => handler(connection, end, unregister));
  }
  const { finish } = handlers;
  if (finish !== undefined) await attempt(() => finish(connection, end));

  async function attempt(run: () => unknown): Promise<void> {
    try {
      const pending = completionOf(run());
      if (pending !== undefined) await pending;
    } catch (error) {
      await errors.applyToFinish(error, connection);
    }
  }
}
