import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { EarlyBytes } from '../../lifecycle/upgrade/early-bytes.js';

/**
 * Node's HTTP server keeps the answer that is being sent on the socket; those that wait behind it are in a list that only
 * its own listeners reach. Undocumented and in place since Node 0.4; `test/security` fails where that changes.
 */
interface ServedSocket extends Duplex {
  readonly _httpMessage?: (ServerResponse & { readonly req: IncomingMessage }) | null;
}

/** The answer that the HTTP server still owes on a socket and that is next. */
function owedAnswer(socket: Duplex): ServedSocket['_httpMessage'] {
  return (socket as ServedSocket)._httpMessage;
}

/** What the HTTP server listens with for the end of a connection: it tells the handlers of every request not yet answered. */
const abortsOf = new WeakMap<Duplex, () => void>();

/**
 * Keeps what tells handlers that their client left, because Node takes it off with an upgrade: a stream of events that
 * waits behind another page would go on without a reader. Has to be called before the upgrade, if something may be owed.
 */
export function keepAborts(socket: Duplex): void {
  if (abortsOf.has(socket) || isFree(socket)) return;
  const abort = socket.listeners('close').find(({ name }) => name === 'bound socketOnClose');
  if (abort !== undefined) abortsOf.set(socket, abort as () => void);
}

/** Sockets on which answers are owed although the HTTP server has released them, by their server. */
const owing = new WeakMap<Server, Set<Duplex>>();

/** What `closeAllConnections` of a server does to its own sockets, for those that it has released while it owes answers. */
export function destroyOwing(server: Server): void {
  for (const socket of owing.get(server) ?? []) socket.destroy();
}

export function hasOwing(server: Server): boolean {
  return (owing.get(server)?.size ?? 0) > 0;
}

/** Nothing is owed. A socket that has ended may have requests in its list that were never answered. */
function isFree(socket: Duplex): boolean {
  return !owedAnswer(socket) && socket.writable;
}

/**
 * Gives an upgrade its turn: at once, or when the answers to all requests before it have been sent. Without that, the
 * 101 or the refusal would overtake them, and a proxy would hand one client's answer to another.
 *
 * `take` is not called when the client leaves before.
 */
export function inTurn(server: Server, socket: Duplex, head: Buffer, take: (head: Buffer) => void): void {
  if (isFree(socket)) {
    take(head);
    return;
  }
  // Frames to come.
  const early = new EarlyBytes(head);
  const keep = (chunk: Buffer): void => {
    if (early.keep(chunk)) socket.pause();
  };
  socket.on('data', keep);
  whenAnswered(server, socket, () => {
    socket.off('data', keep);
    // Nothing is lost: `ws` and the handshake listen before this turn is over.
    socket.resume();
    take(early.bytes);
  });
}

/** As `whenAnswered`; at once, and without a listener, where nothing is owed. */
export function whenFree(server: Server, socket: Duplex, then: () => void): void {
  if (isFree(socket)) then();
  else whenAnswered(server, socket, then);
}

/**
 * Completes the answers that are owed on a socket that the HTTP server has released, and calls `then` when the last one
 * has been sent; never, if the socket ends before. An answer that `then` puts on the socket is completed as well.
 *
 * With an upgrade Node takes its listeners off, also while it still owes answers: an answer that waits for the socket to drain would
 * wait without end, a time limit would be lost, and handlers would not hear that the client left. The socket has to be
 * read meanwhile.
 */
export function whenAnswered(server: Server, socket: Duplex, then: () => void): void {
  const drain = (): void => drained(owedAnswer(socket));
  const timeout = (): void => {
    const byAnswer = owedAnswer(socket)?.emit('timeout', socket);
    if (!server.emit('timeout', socket) && byAnswer !== true) socket.destroy();
  };
  // Node's default: a client that ends its side has left, and waits for no answer.
  const end = (): unknown => socket.end();
  const close = abortsOf.get(socket) ?? ((): unknown => owedAnswer(socket)?.req.destroy(connectionReset()));
  const released = owing.get(server) ?? new Set();
  owing.set(server, released.add(socket));
  const forget = (): unknown => released.delete(socket);
  let isThen = false;
  const next = (): void => {
    // An answer that could not be sent is finished as well, before its socket says why.
    if (!owedAnswer(socket) && !socket.writable) return;
    if (!owedAnswer(socket) && !isThen) {
      isThen = true;
      then();
    }
    // Behind Node's own listener, which makes the answer after it the next one.
    if (owedAnswer(socket)?.once('finish', next)) return;
    forget();
    socket.off('error', ignoreError).off('drain', drain).off('timeout', timeout).off('end', end);
    socket.off('close', close).off('close', forget);
  };
  socket.on('error', ignoreError).on('drain', drain).on('timeout', timeout).on('end', end);
  socket.on('close', close).on('close', forget);
  next();
}

function drained(answer: ServedSocket['_httpMessage']): void {
  if (!answer?.writableNeedDrain || answer.writableEnded) return;
  const flag = Object.getOwnPropertySymbols(answer).find(({ description }) => description === 'kNeedDrain');
  if (flag !== undefined) Object.assign(answer, { [flag]: false });
  answer.emit('drain');
}

/** What Node gives to a request whose connection is gone. */
export function connectionReset(): Error {
  return Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** Named, so that it can be taken off again. */
function ignoreError(): void {}
