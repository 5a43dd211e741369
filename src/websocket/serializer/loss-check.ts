import { log } from '../log/log.js';
import { findLost } from './lost-value.js';

/** Messages of one endpoint that are looked at: mistakes show early, and a look costs as much as the encoding. */
const CHECKED_MESSAGES = 200;

/** How many messages of an endpoint class are still to be looked at. */
const left = new WeakMap<object, number>();

/**
 * Warns, once for each endpoint, of a value that JSON writes without an error and without its contents. Not in production.
 */
export function warnOfLoss(value: unknown, endpoint: { readonly name: string }): void {
  const count = left.get(endpoint) ?? CHECKED_MESSAGES;
  if (count === 0) return;
  if (process.env['NODE_ENV'] === 'production') return void left.set(endpoint, 0);
  left.set(endpoint, count - 1);
  let lost: string | undefined;
  try {
    lost = findLost(value);
  } catch {
    return; // the encoding will say so
  }
  if (lost === undefined) return;
  left.set(endpoint, 0);
  log.warn(
    'lost value',
    `${endpoint.name} sends ${lost}: JSON has no form for it. Convert it before it is sent. ` +
      'Told once for each endpoint, not in production.',
  );
}
