import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Serves an upgrade to another protocol (`h2c`, …) as the plain request it is: a server may ignore `Upgrade`
 * (RFC 9110 §7.8). Node hands every upgrade to the listeners of `'upgrade'` once there is one, and would otherwise have
 * answered it by itself.
 *
 * The parser has let go of the socket, so the connection closes after the answer, and a body can only be read when its
 * length is known.
 */
export function serveAsPlainHttp(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  socket.on('error', () => socket.destroy());
  response.assignSocket(socket as Socket);
  response.once('finish', () => {
    response.detachSocket(socket as Socket);
    socket.end();
  });
  // Reading goes on, so that the end of the client is noticed; there is no next request to read.
  if (head.length > 0) socket.unshift(head);
  socket.resume();
  server.emit('request', request, response);
}
