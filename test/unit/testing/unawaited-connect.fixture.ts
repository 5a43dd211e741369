import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from '../../../src/testing.js';

const server = createServer().on('upgrade', (_request, socket) => {
  socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

// A test that forgot to wait.
void connect(server, '/');
await connect(server, '/').catch(() => undefined);
process.send?.({ port: (server.address() as AddressInfo).port });
