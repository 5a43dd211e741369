import { isToken } from './header.js';

const STATUS_LINE = /^HTTP\/1\.[01] ([2-5]\d\d)(?: [^\r\n]*)?$/;
/** Controls other than the tab have no place in a header line; a bare CR or LF could begin another one. */
// eslint-disable-next-line no-control-regex -- these are meant
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Tells whether a string is exactly one HTTP/1.1 response with a final status (RFC 9112 §2.1): status line, header lines, a
 * blank line, and a body that is as long as `Content-Length` says. Without that header the body goes on to the end of the
 * connection. A second response behind the first one, as a client's text in a header could smuggle in, is none of these.
 */
export function isRawResponse(value: string): boolean {
  const end = value.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const [statusLine = '', ...headerLines] = value.slice(0, end).split('\r\n');
  const status = STATUS_LINE.exec(statusLine)?.[1];
  if (status === undefined || CONTROL.test(statusLine)) return false;
  const bodyBytes = Buffer.byteLength(value.slice(end + 4));
  // RFC 9110 §15.3.5, §15.4.5: what follows the head would be taken for the next response.
  if ((status === '204' || status === '304') && bodyBytes > 0) return false;
  let hasLength = false;
  for (const line of headerLines) {
    const colon = line.indexOf(':');
    if (!isToken(line.slice(0, Math.max(colon, 0))) || CONTROL.test(line)) return false;
    const name = line.slice(0, colon).toLowerCase();
    if (name === 'transfer-encoding') return false;
    if (name !== 'content-length') continue;
    if (hasLength || line.slice(colon + 1).trim() !== String(bodyBytes)) return false;
    hasLength = true;
  }
  return true;
}

/** The status of what `isRawResponse` takes. */
export function statusOfRawResponse(response: string): number {
  return Number(STATUS_LINE.exec(response.slice(0, response.indexOf('\r\n')))?.[1]);
}
