import { UpgradeRefusedError } from './plack-websocket.error.js';

/**
 * The refusal that an error of the Connect world asks for, such as one of `http-errors`: those have a status, and may have
 * headers. `undefined` for an error without.
 */
export function toHttpError(error: unknown, readsStatus: boolean): UpgradeRefusedError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, statusCode, headers } = error as { status?: unknown; statusCode?: unknown; headers?: unknown };
  const given = readsStatus && typeof status === 'number' ? status : statusCode;
  if (typeof given !== 'number' || !Number.isInteger(given) || given < 400 || given > 599) return undefined;
  const name = given < 500 ? 'invalid request' : 'internal error';
  const own = typeof headers === 'object' && headers !== null ? { headers: headers as Record<string, string> } : {};
  return new UpgradeRefusedError(name, name, { cause: error, status: given, ...own });
}
