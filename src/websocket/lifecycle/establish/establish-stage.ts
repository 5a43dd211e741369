import type { Connection } from '../../connection/connection.js';
import type { MaybePromise } from '../../connection/settle.js';
import { completionOf } from '../../endpoint/completion.js';
import type { EndpointHandlers, EstablishArguments } from '../../endpoint/compiled-endpoint.js';

/** Where errors of `@OnEstablish` go. */
export interface EstablishErrors {
  applyToEstablish(error: unknown, connection: Connection): Promise<void>;
}

/** Runs `@OnEstablish` to its end; an error closes the connection with 1011. Never throws and never rejects. */
export function runEstablish(
  connection: Connection,
  handlers: EndpointHandlers,
  args: EstablishArguments,
  errors: EstablishErrors,
): MaybePromise<void> {
  if (handlers.establish === undefined) return;
  try {
    const result = handlers.establish(connection, args);
    // The signal is only made for what is asynchronous; most are not.
    const pending = result === undefined ? undefined : completionOf(result, connection.signal);
    if (pending === undefined) return;
    return pending.catch((error: unknown) => errors.applyToEstablish(error, connection));
  } catch (error) {
    return errors.applyToEstablish(error, connection);
  }
}
