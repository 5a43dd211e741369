import { parseCookie as parse, stringifySetCookie, type SerializeOptions } from 'cookie';

/** Attributes of a cookie; `maxAge` in seconds. */
export type CookieOptions = SerializeOptions;

/** Parses a `Cookie` header into an object without a prototype. */
export function parseCookie(header: string | undefined): Readonly<Record<string, string | undefined>> {
  return parse(header ?? '');
}

/**
 * Formats the value of one `Set-Cookie` line (RFC 6265 §4.1).
 * @throws TypeError for a name, value or attribute that a cookie cannot carry.
 */
export function formatSetCookie(name: string, value: string, options?: CookieOptions): string {
  return stringifySetCookie(name, value, options);
}
