import type { ServedConnection } from '../../connection/served-connection.js';
import type { FinishInfo } from '../../connection/finish-info.js';
import { whenDone } from '../../async/completion.js';
import type { EndpointHandlers, PartHandlers } from '../../endpoint/pipeline/endpoint-handlers.js';

/** Where errors of finish handlers go. */
export interface FinishErrors {
  applyToFinish(error: unknown, connection: ServedConnection, part?: PartHandlers): Promise<void>;
}

/**
 * Runs the finish handlers of the connection in registration order, then `@OnFinish` of the parts whose establish began, the
 * last one first, then that of the endpoint. Every one runs, even if another fails. Never throws and never rejects.
 */
export async function runFinish(
  connection: ServedConnection,
  handlers: EndpointHandlers,
  end: FinishInfo,
  errors: FinishErrors,
): Promise<void> {
  for (const { handler, unregister } of connection.takeFinishHandlers()) {
    await attempt(() => handler(connection, end, unregister));
  }
  for (const part of handlers.parts.toReversed()) {
    if (!part.absent.has(connection)) await attempt(() => part.finish?.(connection, end), part);
  }
  const { finish } = handlers;
  if (finish !== undefined) await attempt(() => finish(connection, end));

  async function attempt(run: () => unknown, part?: PartHandlers): Promise<void> {
    try {
      const pending = whenDone(run());
      if (pending !== undefined) await pending;
    } catch (error) {
      await errors.applyToFinish(error, connection, part);
    }
  }
}
