import type { IncomingMessage } from 'node:http';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import { isExtensionList } from '../../protocol/extension-offer.js';
import { isHandshakeKey, WEBSOCKET_VERSION } from '../../protocol/handshake-key.js';
import { isToken, listsToken, splitTokenList } from '../../protocol/header.js';

/**
 * Checks the fixed parts of an upgrade (RFC 6455 §4.2.1) before anything of the application runs: method, HTTP version,
 * `Host`, `Connection`, version, key, no body.
 *
 * @throws UpgradeRefusedError with the first thing that is wrong.
 */
export function checkUpgrade(request: IncomingMessage): void {
  const { headers } = request;
  if (request.method !== 'GET') throw new UpgradeRefusedError('method not allowed');
  if (request.httpVersion !== '1.1') throw invalid(`HTTP/${request.httpVersion} cannot be upgraded, HTTP/1.1 can`);
  checkHost(request);
  if (!listsToken(headers.connection, 'upgrade')) throw invalid('Connection must name upgrade');
  if (headers['sec-websocket-version'] !== WEBSOCKET_VERSION) {
    throw new UpgradeRefusedError('upgrade required', 'upgrade required: only Sec-WebSocket-Version 13 is spoken here');
  }
  if (!isHandshakeKey(headers['sec-websocket-key'])) {
    throw invalid('Sec-WebSocket-Key must be 16 bytes in base64');
  }
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) {
    throw invalid('an upgrade has no body');
  }
  checkProtocols(headers['sec-websocket-protocol']);
  const extensions = headers['sec-websocket-extensions'];
  if (extensions !== undefined && !isExtensionList(extensions)) {
    throw invalid('Sec-WebSocket-Extensions must be a list of extensions');
  }
}

/** Node keeps the first of two `Host` lines and says nothing, so the raw headers are counted (RFC 9112 §3.2). */
function checkHost(request: IncomingMessage): void {
  let hosts = 0;
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts !== 1) throw invalid('exactly one Host is needed');
}

/** Members are tokens and all different (RFC 6455 §4.1, item 10); `ws` would refuse after everything was decided. */
function checkProtocols(header: string | undefined): void {
  if (header === undefined) return;
  const offered = splitTokenList(header);
  if (offered.length === 0 || !offered.every(isToken) || new Set(offered).size !== offered.length) {
    throw invalid('Sec-WebSocket-Protocol must be a list of different tokens');
  }
}

function invalid(detail: string): UpgradeRefusedError {
  return new UpgradeRefusedError('invalid request', `invalid request: ${detail}`);
}
