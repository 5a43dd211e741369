import { refuseLate } from '../../async/at-once.js';
import { isPromiseLike } from '../../async/maybe-promise.js';
import { toEpochMs } from '../../connection/expiry.js';
import type { LoginEnd } from '../../endpoint/endpoint.options.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { log } from '../../log/log.js';
import type { RequestContext } from '../../request/request-context.js';
import type { AcceptResponse } from './accept-response.js';

/**
 * When the login ends, in milliseconds since the epoch; `undefined` for never. Of several ends, by the hook, on the context and
 * by the option, the earliest counts.
 * @throws UpgradeRefusedError for a login that is over already, or a value that is not a time; what the option throws.
 */
export function readLoginEnd(
  response: AcceptResponse,
  context: RequestContext,
  option: LoginEnd | undefined,
): number | undefined {
  const given = option === undefined ? undefined : askOption(option, context);
  const ends = [response.expiresAt, context.expiresAt, given].filter((end) => end !== undefined).map(toTime);
  if (ends.length === 0) return undefined;
  const expiresAt = Math.min(...ends);
  const now = Date.now();
  if (expiresAt <= now && expiresAt * 1000 > now) {
    log.warn(
      'expiresAt',
      `The end of a login is ${expiresAt}, which is a time of January 1970 and looks like seconds: expiresAt is in milliseconds, ` +
        'as in user.exp * 1000',
      undefined,
      { context },
    );
  }
  if (expiresAt <= now) throw new UpgradeRefusedError('unauthorized', 'unauthorized: the login has expired');
  return expiresAt;
}

/** A client that nothing has logged in has no login that could end. */
function askOption(option: LoginEnd, context: RequestContext): Date | number | undefined {
  const user: unknown = context.user;
  return user === undefined || user === null ? undefined : option(context.user, context);
}

function toTime(given: Date | number): number {
  try {
    if (isPromiseLike(given)) throw refuseLate(given, 'expiresAt');
    return toEpochMs(given);
  } catch (cause) {
    throw new UpgradeRefusedError('internal error', 'internal error', { cause });
  }
}
