import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ContenderServer } from './contender.js';
import { listeningPort } from './listening-port.js';

/** Sends every byte back and does no WebSocket work at all: what is measured against it is the load generator. */
export async function startRawTcp(): Promise<ContenderServer> {
  let open = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    open += 1;
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      open -= 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: listeningPort(server),
    connectionCount: () => open,
    broadcast: () => {
      throw new Error('the TCP echo has no broadcast');
    },
  };
}
