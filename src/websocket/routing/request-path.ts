import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';

/** A segment of one dot or two (RFC 3986 §3.3). Behind a backslash too: URL parsers and Windows take it for a slash. */
const DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/;
/** Control characters: C0, DEL and C1. */
const CONTROL = /\p{Cc}/u;

/**
 * The path of a request target without the query, as sent.
 *
 * Only the origin form is taken (RFC 9112 §3.2.1), see `request/origin-form.ts`: `//host` could name another server than `Host`.
 * Dot segments and control characters have no place in the path of an endpoint, because parameters reach the
 * application decoded and often become names of files or keys. So the rule is asked of the decoded path, in which an
 * encoded slash (`..%2f`) separates as a plain one does.
 *
 * @throws UpgradeRefusedError
 */
export function requestPath(target: string | undefined): string {
  if (target === undefined || !target.startsWith('/') || target.startsWith('//')) {
    throw new UpgradeRefusedError(
      'invalid request',
      'invalid request: the target must be a path, or the URL of what Host names',
    );
  }
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  const decoded = path.includes('%') ? decode(path) : path;
  if (DOT_SEGMENT.test(decoded) || CONTROL.test(decoded) || path.includes('\\')) {
    throw new UpgradeRefusedError('invalid request', 'invalid request: the path has segments that lead elsewhere');
  }
  return path;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new UpgradeRefusedError('invalid request', 'invalid request: the path is not properly percent-encoded', {
      cause,
    });
  }
}
