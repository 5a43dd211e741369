import type { Account } from '../limits/byte-ledger.js';

/** What a transport tells the connection that uses it. Its methods must not throw. */
export interface TransportListener {
  /**
   * One whole message. Text is a string, or the UTF-8 bytes of it, already validated. A binary message has an
   * `ArrayBuffer` of its own: an application that takes `message.buffer` must not find there what others sent.
   */
  onMessage(data: string | Buffer, isBinary: boolean): void;
  /** A pong was read, whether or not it answers a ping of ours. */
  onPong(payload: Buffer): void;
  /** A frame was read that carries no part of a message: a ping, a pong that was not asked for, an empty fragment. */
  onEmptyFrame(): void;
  /** The peer's close frame was read; 1005 when it has no code. It is answered when this returns. */
  onPeerClose(code: number, reason: string): void;
  /** The peer's end of the stream was read: nothing more comes, and nothing can be sent. */
  onPeerEnd(): void;
  /** The peer broke the protocol; `closeCode` is the code this side answers with, 1006 where the socket itself failed. */
  onPeerError(error: Error, closeCode: number): void;
  /** Where the bytes that wait are counted. */
  readonly account: Account;
  /**
   * So many bytes of a message have come that is not complete, with what keeping them costs; 0 when there is none any more.
   * Told after everything that arrived together.
   */
  onUnfinished(byteLength: number): void;
  /** The application sends past the connection; `false` when that may not be. */
  takesRaw(byteLength: number): boolean;
  /** The socket is cut, because the peer asks for more than it reads. */
  onPeerFlood(): void;
  /** A listener of the application failed, on a socket that was handed over. */
  onListenerError(error: unknown): void;
  /** The application closed the socket itself; 1006 when it cut it. */
  onRawClose(code: number, reason: string): void;
  /** `ws` or the application is about to write a close frame: one of ours that waits leaves before. */
  writeOwedClose(): void;
  /** The socket is closed: exactly once, and nothing after it. */
  onClose(): void;
}
