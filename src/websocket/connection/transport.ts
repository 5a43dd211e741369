import type { SharedMemory } from '../limits/byte-ledger.js';
import { frameBinary, frameText, payloadOf } from '../protocol/frame.js';

/** Tells the sender that the socket took the bytes, or why it did not. */
export type TakenCallback = (error?: Error | null) => void;

/**
 * One open WebSocket as the library needs it. The port is declared here, where it is used; the implementation over `ws`
 * is in `adapter/`.
 */
export abstract class Transport {
  /** The `ws` socket, for what this library does not offer. */
  abstract readonly raw: unknown;
  /** The socket is gone: what it had not taken by then is lost. */
  abstract readonly isCut: boolean;
  /** Bytes accepted for sending that the operating system has not taken yet. */
  abstract readonly bufferedBytes: number;
  /** Memory that what waits costs beside its bytes: for each write, and each callback. */
  abstract readonly overheadBytes: number;
  /** A part of a frame, or of a message in several frames, has been read, and the rest has not. */
  abstract readonly isInMessage: boolean;
  /** Bytes received so far, frames and headers included; only ever compared with an earlier value. */
  abstract readonly bytesRead: number;

  /**
   * Sends one message: a string as text, bytes as binary. Frames of one tick leave together, in order. The bytes are the
   * caller's again when this returns: what has to wait is a copy.
   */
  abstract send(data: string | Uint8Array, taken?: TakenCallback): void;
  /** Sends a message that many connections receive; it is framed once for all of them. */
  abstract sendShared(message: SharedMessage): void;
  /**
   * As `sendShared`, but only where it needs no question: nothing waits in the socket, and what is held back fits in
   * `maxBytes` with it. Otherwise it does nothing and gives `false`.
   */
  abstract trySendShared(message: SharedMessage, maxBytes: number): boolean;
  /** Offers to the system what is held back for the end of the tick. */
  abstract flush(): void;
  /** Sets the account of the connection to what waits. */
  abstract count(): void;
  /** Sends a ping, of at most 125 bytes (RFC 6455 §5.5). */
  abstract ping(payload?: Uint8Array): void;
  /** Starts the closing handshake (RFC 6455 §7.1.2); everything sent before leaves first. */
  abstract close(code: number, reason: string): void;
  /** Cuts the connection without a closing handshake. */
  abstract terminate(): void;
  /** Stops reading. What was already read may still arrive: up to one chunk of 64 KiB. */
  abstract pause(): void;
  abstract resume(): void;
  /** Reading is stopped, by this library or by the application. */
  abstract readonly isPaused: boolean;
  /**
   * From now on messages are for the listeners of `raw`. Until it has one they are held: they come to the `TransportListener`
   * only. Then `deliver` is called, which gives what was held to `emit`, and the listeners get the next ones directly.
   */
  abstract handOver(deliver: (emit: (data: string | Buffer, isBinary: boolean) => void) => void): void;
  /** Messages are held for the first listener of `raw`. */
  abstract readonly isHolding: boolean;
}

/**
 * One encoded message for many receivers. Bytes are copied when it is made, because receivers may come to it when its sender
 * uses them for something else; a text is framed by the first that wants the frame.
 */
export class SharedMessage {
  readonly data: string | Uint8Array;
  /** The frame as it waits in sockets; apart from this, so that the text is not held as long. */
  readonly memory: SharedMemory = { byteLength: 0, holders: 0 };
  #frame: Buffer | undefined;

  constructor(data: string | Uint8Array) {
    this.data = data instanceof Uint8Array ? payloadOf(this.#keep(frameBinary(data))) : data;
  }

  get frame(): Buffer {
    return this.#frame ?? this.#keep(frameText(this.data as string));
  }

  /** Of the message, without the header of its frame. */
  get byteLength(): number {
    return payloadOf(this.frame).length;
  }

  #keep(frame: Buffer): Buffer {
    this.memory.byteLength = frame.length;
    return (this.#frame = frame);
  }
}
