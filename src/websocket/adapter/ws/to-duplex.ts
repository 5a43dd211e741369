import type { Duplex, DuplexOptions } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import type { Connection } from '../../connection/connection.js';

/**
 * Makes a stream of a connection, for code that takes one: a broker, a proxy, a terminal. It is `createWebSocketStream` of `ws`
 * on the socket that {@link Connection.handOver} gives: each message is a chunk, each chunk that is written is a message, and a
 * side that does not read slows the other one down. Text arrives as bytes; with `{ encoding: 'utf8', decodeStrings: false }`
 * both directions are text.
 *
 * Ending the stream closes the connection, destroying it cuts it; when the connection is over, the stream ends. A
 * fault of the peer destroys it with an error, for which it need not have a listener.
 *
 * @throws TypeError for a connection without a socket, as `fakeConnection` makes it.
 *
 * @example
 * ```ts
 * broker.handle(toDuplex(connection));
 * ```
 */
export function toDuplex(connection: Connection, options: DuplexOptions = {}): Duplex {
  const socket = connection.handOver() as WebSocket | undefined;
  if (socket === undefined) throw new TypeError('toDuplex takes a connection with a socket; a fake one has none.');
  const stream = createWebSocketStream(socket, options);
  // Without a listener an error would be thrown where nothing catches it; `@OnFinish` is told of it.
  stream.on('error', ignore);
  return stream;
}

function ignore(): void {}
