import { once } from 'node:events';
import { createServer } from 'node:http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { ContenderServer, TextData } from './contender.js';
import { listeningPort } from './listening-port.js';

/** What one writes by hand with `ws`: no framework, and the same JSON work as the others. */
export async function startRawWs(): Promise<ContenderServer> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => {});
    // The echo of the manual of `ws`: the bytes go back as they came, never made a string.
    if (request.url === '/raw') socket.on('message', (bytes, isBinary) => socket.send(bytes, { binary: isBinary }));
    else socket.on('message', (bytes) => replyToEvent(socket, bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: listeningPort(server),
    connectionCount: () => sockets.clients.size,
    broadcast: (text) => {
      // Encoded once, outside the loop: the loop of a careful author, not the worst one.
      const message = Buffer.from(JSON.stringify({ event: 'news', data: { text } }));
      for (const socket of sockets.clients) {
        if (socket.readyState === socket.OPEN) socket.send(message, { binary: false });
      }
    },
  };
}

function replyToEvent(socket: WebSocket, bytes: RawData): void {
  // A Buffer, as long as nobody sets `binaryType`.
  const message = JSON.parse((bytes as Buffer).toString()) as { event: string; data: TextData };
  if (message.event === 'echo' || message.event === 'checked') {
    socket.send(JSON.stringify({ event: message.event, data: message.data }));
  }
}
