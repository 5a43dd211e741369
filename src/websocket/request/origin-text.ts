/**
 * The origin that a text names, as a URL parser sees it: case, default ports and the forms of IPv6 addresses do not matter.
 * `undefined` for anything that is more than scheme, host and port (RFC 6454 §7), which is all that a browser sends.
 */
export function normalizeOrigin(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  if (!/^(?:https?|wss?):$/.test(url.protocol)) return undefined;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined;
  return url.username === '' && url.password === '' ? url.origin : undefined;
}

/** Tells whether a list of origins and patterns has an origin. Its entry `'same-origin'` is not looked at. */
export function isListedOrigin(origin: string, allowed: readonly (string | RegExp)[]): boolean {
  const normalized = normalizeOrigin(origin);
  // `null` stands for every sandboxed page and local file; it can only be allowed by name.
  if (normalized === undefined) return origin !== 'same-origin' && allowed.includes(origin);
  return allowed.some((entry) =>
    typeof entry === 'string' ? normalizeOrigin(entry) === normalized : test(entry, normalized),
  );
}

/** A pattern with the `g` or `y` flag remembers where it stopped; it must not. */
function test(pattern: RegExp, origin: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(origin);
}
