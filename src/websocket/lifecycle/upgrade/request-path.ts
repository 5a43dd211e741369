import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';

/** A dot segment, plain or percent-encoded (RFC 3986 §3.3): `.`, `..`, `%2e`, `.%2E`, … */
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;
/** NUL and other control characters, percent-encoded. */
const ENCODED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;

/**
 * The path of a request target without the query, as sent.
 *
 * Only the origin form is taken (RFC 9112 §3.2.1): an absolute target or `//host` could name another server than
 * `Host`. Dot segments and control characters have no place in the path of an endpoint; whoever sends them hopes that
 * somebody resolves them later.
 *
 * @throws UpgradeRefusedError
 */
export function requestPath(target: string | undefined): string {
  if (target === undefined || !target.startsWith('/') || target.startsWith('//')) {
    throw new UpgradeRefusedError('invalid request', 'invalid request: the target must be a path');
  }
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  if (DOT_SEGMENT.test(path) || ENCODED_CONTROL.test(path) || path.includes('\\')) {
    throw new UpgradeRefusedError('invalid request', 'invalid request: the path has segments that lead elsewhere');
  }
  return path;
}
