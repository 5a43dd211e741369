import type { ServedConnection } from '../../connection/served-connection.js';
import { isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { whenDone } from '../../async/completion.js';
import type {
  ClassHandlers,
  EndpointHandlers,
  EstablishArguments,
  PartHandlers,
  RequestArguments,
} from '../../endpoint/pipeline/endpoint-handlers.js';

/** Where errors of `@OnEstablish` go. */
export interface EstablishErrors {
  applyToEstablish(error: unknown, connection: ServedConnection, part?: PartHandlers): Promise<void>;
}

/**
 * Runs `@OnEstablish` of the endpoint, then that of each part; an error closes the connection with 1011, and the parts that
 * have not begun take no part in it. Never throws and never rejects.
 */
export function runEstablish(
  connection: ServedConnection,
  handlers: EndpointHandlers,
  args: EstablishArguments,
  errors: EstablishErrors,
): MaybePromise<void> {
  const { parts } = handlers;
  const own = runOne(connection, handlers, args[0] ?? [], errors);
  if (parts.length === 0) return own;
  return isPromiseLike(own)
    ? own.then(() => runParts(connection, parts, args, errors, 0))
    : runParts(connection, parts, args, errors, 0);
}

function runParts(
  connection: ServedConnection,
  parts: readonly PartHandlers[],
  args: EstablishArguments,
  errors: EstablishErrors,
  from: number,
): MaybePromise<void> {
  for (let i = from; i < parts.length; i++) {
    const part = parts[i] as PartHandlers;
    const own = args[i + 1];
    // Where an earlier class has ended the connection there is nothing left to begin.
    if (own === undefined || connection.isSpent) {
      part.absent.add(connection);
      continue;
    }
    const pending = runOne(connection, part, own, errors, part);
    if (isPromiseLike(pending)) return pending.then(() => runParts(connection, parts, args, errors, i + 1));
  }
  return undefined;
}

function runOne(
  connection: ServedConnection,
  { establish }: ClassHandlers,
  args: RequestArguments,
  errors: EstablishErrors,
  part?: PartHandlers,
): MaybePromise<void> {
  if (establish === undefined) return undefined;
  try {
    const result = establish(connection, args);
    // The signal is only made for what is asynchronous; most are not.
    const pending = result === undefined ? undefined : whenDone(result, connection.signal);
    if (pending === undefined) return undefined;
    return pending.catch((error: unknown) => errors.applyToEstablish(error, connection, part));
  } catch (error) {
    return errors.applyToEstablish(error, connection, part);
  }
}
