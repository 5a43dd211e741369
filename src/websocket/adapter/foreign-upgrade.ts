import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';

/**
 * Serves an upgrade to another protocol as the plain request it is: a server may ignore `Upgrade` (RFC 9110 §7.8), and
 * Node does so while nobody listens for `'upgrade'`. Some HTTP clients offer `h2c` with every request, bodies included.
 *
 * The parser has let go of the socket, so the connection is given to the server once more, from the first byte of the
 * request on and without the field that made an upgrade of it.
 */
export function serveAsPlainHttp(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.unshift(Buffer.concat([requestHead(request), head]));
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket);
}

/** The head of a request as it was read, without `Upgrade`. */
function requestHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'upgrade') lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
