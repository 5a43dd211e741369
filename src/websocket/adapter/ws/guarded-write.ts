import { Socket } from 'node:net';
import { Writable } from 'node:stream';

/*
 * Taken when this file is loaded. An agent that replaces one of them later keeps bytes or throws as it likes, and compared
 * with what is there at the time it would pass for Node.
 */
// oxlint-disable-next-line typescript/unbound-method
const { write: streamWrite } = Writable.prototype;
// oxlint-disable-next-line typescript/unbound-method
const { _write: socketWrite } = Socket.prototype;

type Write = (this: Socket, ...args: unknown[]) => boolean;

const guards = new WeakSet<object>();

/**
 * Tells whether a socket writes as Node made it, encrypted or not: it does not throw, and when nothing waits after a write,
 * the bytes are copied, into the kernel or its encryption.
 */
export function writesAsNode(socket: Socket): boolean {
  return socket.write === streamWrite && socket._write === socketWrite;
}

/**
 * Guards a socket on which an agent or a tunnel put a `write` of its own: what it throws is told to `onFailure`, once, and
 * to the callback of the write. Its caller may be a timer or a queue that serves other connections as well.
 */
export function guardWrite(socket: Socket, onFailure: (error: unknown) => void): void {
  // oxlint-disable-next-line typescript/unbound-method
  const write = socket.write as Write;
  if (guards.has(write)) return;
  let failure: { readonly error: unknown } | undefined;
  const guarded: Write = function (...args) {
    if (failure === undefined) {
      try {
        return write.apply(this, args);
      } catch (error) {
        failure = { error };
        onFailure(error);
      }
    }
    const done = args.at(-1);
    if (typeof done === 'function') (done as (error: unknown) => void)(failure.error);
    return false;
  };
  guards.add(guarded);
  socket.write = guarded;
}
