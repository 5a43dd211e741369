import type { IncomingMessage } from 'node:http';
import { normalizeOrigin } from './origin-text.js';

/** Scheme, authority and the rest. With a user or a backslash in it an authority is not to be trusted (RFC 9110 §4.2.4). */
const ABSOLUTE = /^(https?:)\/\/([^/?#\\@]+)(?=[/?#]|$)(.*)$/is;

/**
 * The target of a request from its path on. A server has to accept the absolute form too (RFC 9112 §3.2.2); what it names
 * must be what `Host` names, or two parts of an application could take the request for requests to different servers. Any
 * other target is given as it is.
 */
export function originForm({ url = '', headers }: IncomingMessage): string {
  if (url.startsWith('/')) return url;
  const { host } = headers;
  if (host === undefined) return url;
  const [, scheme, authority = '', rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (scheme === undefined) return url;
  const named = normalizeOrigin(`${scheme}//${authority}`);
  if (named === undefined || named !== normalizeOrigin(`${scheme}//${host}`)) return url;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
