import type { Writable } from 'node:stream';
import * as wsPackage from 'ws';
import type { WebSocket } from 'ws';

/*
 * All that is taken of `ws` beyond its documented interface, and the way without it.
 *
 * Sending (`fast-transport.ts`):
 *
 * - Without an extension `ws` writes every frame of its own to the socket synchronously and whole, so bytes that we write
 *   between two of its calls stay between two of its frames.
 * - Every frame of its own goes out through a public method of the WebSocket (`close`, `pong`, `ping`, `send`), also when
 *   it answers by itself, so a subclass (the documented option `WebSocket`) can let what we hold back leave first.
 *
 * Without it: `ws-transport.ts`, for compressed connections, for sockets that are not Node's own, and for all of them with
 * `PLACK_WS_FAST_PATH=off`.
 *
 * Reading (`frugal-receiver.ts`):
 *
 * - `websocket._receiver` is the parser. It puts chunks into `_buffers` with `push`, asks for its `length`, and takes
 *   bytes out through `consume` alone, which also keeps `_bufferedBytes`.
 * - After each event it asks `_loop` whether to go on in the chunk. One that was set to `false` there has the rest in `_buffers`,
 *   and goes on with the next `write`, also with one of no bytes.
 * - Its `_write` is through with a chunk when it returns, or has told its callback what is wrong; `_loop` says that it is
 *   inside.
 * - A header is looked at before anything else is taken, and a mask of zeros is not applied.
 * - Of a text in one frame it only asks for the `length` and, unless `_skipUTF8Validation` is set, whether it is valid;
 *   then the text goes to the listeners of `'message'`.
 * - Each frame of a client is asked for its mask once, and by then `_fin` and `_payloadLength` are those of this frame.
 * - Of a message that is not complete `_fragments` has what has come, `_messageLength` the sum; whole frames are not cut.
 *
 * Without it: a trial decides once for each process (`receiver-trial.ts`); where it fails, `ws` reads as it does by itself.
 * Where it has no parser at all it is not the `ws` that is known here, so `ws-transport.ts` sends as well.
 *
 * Closing (`connection-websocket.ts`):
 *
 * - `ws` answers the close frame and the faults of a peer with its own public `close`, and a flood of pings with `terminate`.
 *   Who called is told by `_closeFrameReceived`, by the error of the parser, and by the number of pongs that wait.
 *
 * Without it: the end counts as one of the application, so the `initiator` of a `FinishInfo` is wrong, and nothing else.
 *
 * `test/unit/adapter/ws/ws-internals.spec.ts` fails when one of them changes; `test/property/frugal-receiver.spec.ts` compares
 * both ways of reading over generated frames.
 */

/** A WebSocket of `ws` as far as it is known here. */
export interface WebSocketInternals {
  /** Bun has a `ws` of its own, whose parser is out of reach: there it is `null`. */
  readonly _receiver?: Receiver | null;
  readonly _closeFrameReceived?: boolean;
  readonly _pendingAutoPongs?: number;
  readonly _maxPendingAutoPongs?: number;
}

/** The parser of one connection, as far as it is known here. */
export interface Receiver extends Writable {
  _bufferedBytes: number;
  _buffers: { readonly length: number; push(chunk: Buffer): unknown };
  _skipUTF8Validation: boolean;
  readonly _state: number;
  readonly _opcode: number;
  readonly _fin: boolean;
  /** Bytes of the current frame's payload. */
  readonly _payloadLength: number;
  /** The opcode of the message whose first fragment has been read; 0 for none. */
  readonly _fragmented: number;
  /** Payloads of the fragments of the current message, and their bytes together. */
  readonly _fragments: readonly unknown[];
  readonly _messageLength: number;
  /** It is in the middle of a chunk. */
  _loop: boolean;
  consume(byteLength: number): Buffer | string;
}

export type ReceiverClass = new (options: { isServer: boolean }) => Receiver;

/** States of the parser: between two frames, and where it asks for a mask and for a payload. */
export const ParserState = { getInfo: 0, getMask: 3, getData: 4 } as const;

export function internalsOf(websocket: WebSocket): WebSocketInternals {
  return websocket as unknown as WebSocketInternals;
}

/** Tells whether it reads its socket with a parser of `ws`, and so writes its frames there as well. */
export function hasParser(websocket: WebSocket): boolean {
  return internalsOf(websocket)._receiver != null;
}

/** The class of the parser, which the package exports without documenting it. */
export function findReceiverClass(): ReceiverClass | undefined {
  return (wsPackage as { Receiver?: ReceiverClass }).Receiver;
}
