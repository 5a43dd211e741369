import type { OriginCheck, OriginOption } from '../../endpoint/endpoint.options.js';
import { isListedOrigin, normalizeOrigin } from '../../request/origin-text.js';
import type { PublicNames } from '../../request/public-names.js';

/** What the package `cors` takes for one origin. */
type StaticOrigin = boolean | string | RegExp | readonly (string | RegExp)[];

type OriginFunction = (
  origin: string | undefined,
  callback: (error: unknown, allowed?: StaticOrigin) => void,
) => unknown;

/** The option `cors` as far as it says who may connect. */
export interface CorsOptions {
  readonly origin?: StaticOrigin | OriginFunction;
}

/**
 * The origins that the `cors` of a gateway lets in, as the package `cors` reads them; `undefined` where it names none. A page
 * of the application's own origin needs no permission there, and none here.
 */
export function originOf(cors: boolean | CorsOptions | undefined, names: PublicNames): OriginOption | undefined {
  if (cors === true) return '*';
  if (cors === undefined || cors === false) return undefined;
  const { origin } = cors;
  if (typeof origin === 'function') return askFunction(origin, names);
  if (origin === undefined) return undefined;
  if (origin === true || origin === '*') return '*';
  return origin === false ? 'same-origin' : ['same-origin', ...toList(origin)];
}

function askFunction(ask: OriginFunction, names: PublicNames): OriginCheck {
  return (given, context) => {
    const normalized = given === undefined ? undefined : normalizeOrigin(given);
    if (normalized !== undefined && names.ownOrigins(context.clientSide).includes(normalized)) return true;
    return new Promise((resolve, reject) => {
      const pending = ask(given, (error, allowed) =>
        resolve((error ?? undefined) === undefined && isAllowed(given, allowed)),
      );
      // An asynchronous function may reject before it answers.
      Promise.resolve(pending).catch(reject);
    });
  };
}

function isAllowed(given: string | undefined, allowed: StaticOrigin | undefined): boolean {
  if (allowed === true || allowed === '*') return true;
  if (allowed === undefined || allowed === false || given === undefined) return false;
  return isListedOrigin(given, toList(allowed));
}

function toList(origin: string | RegExp | readonly (string | RegExp)[]): readonly (string | RegExp)[] {
  return typeof origin === 'string' || origin instanceof RegExp ? [origin] : origin;
}
