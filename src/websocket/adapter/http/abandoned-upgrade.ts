import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { whenFree } from './owed-answers.js';

/** What a listener that takes a socket, or is about to, listens to. Not `'close'`: that is how others merely watch it. */
const EVENTS_OF_A_TAKER = ['data', 'readable', 'end', 'error'] as const;

/**
 * Calls back when other listeners had their time and none of them took the socket of an upgrade: no byte was written, and no
 * listener was put on it. A socket that was taken is never touched, also when its handshake takes longer. Their time begins
 * when the answers to requests before the upgrade have been sent.
 *
 * It is called before those listeners see the upgrade.
 *
 * @param timeoutMs time for the others, in milliseconds; 0 means no limit, and nothing is called.
 */
export function whenAbandoned(server: Server, socket: Duplex, timeoutMs: number, callback: () => void): void {
  // Node has taken its own listeners off. Until another listener adopts the socket, a reset would be an `'error'` event
  // without a listener, which ends the process. It stays, since it does no harm beside theirs.
  socket.on('error', ignoreError);
  const before = listeners(socket);
  // The answers to requests before it are bytes of the HTTP server, and say nothing of a taker.
  whenFree(server, socket, () => {
    if (timeoutMs === 0) return;
    const written = bytesWritten(socket);
    const timer = setTimeout(() => {
      socket.off('close', cancel);
      if (socket.writable && bytesWritten(socket) === written && listeners(socket) === before) callback();
    }, timeoutMs);
    const cancel = (): void => clearTimeout(timer);
    timer.unref();
    socket.once('close', cancel);
  });
}

function bytesWritten(socket: Duplex): number | undefined {
  return (socket as Partial<Socket>).bytesWritten;
}

function listeners(socket: Duplex): number {
  return EVENTS_OF_A_TAKER.reduce((sum, event) => sum + socket.listenerCount(event), 0);
}

/** Named, so that a heap snapshot tells what it is. */
function ignoreError(): void {}
