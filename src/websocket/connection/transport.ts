import { frameBinary, frameText } from '../protocol/frame.js';

/** Tells the sender that the socket took the bytes, or why it did not. */
export type TakenCallback = (error?: Error | null) => void;

/**
 * One open WebSocket as the library needs it. The port is declared here, where it is used; the implementation over `ws`
 * stands in `adapter/`.
 */
export abstract class Transport {
  /** The `ws` socket, for what this library does not offer. */
  abstract readonly raw: unknown;
  /** Neither side has begun to close; what is sent otherwise is dropped. */
  abstract readonly isOpen: boolean;
  /** The socket is gone: what it had not taken by then is lost. */
  abstract readonly isCut: boolean;
  /** Bytes accepted for sending that the operating system has not taken yet. */
  abstract readonly bufferedBytes: number;
  /** Bytes received so far, frames and headers included; only ever compared with an earlier value. */
  abstract readonly bytesRead: number;

  /** Sends one message: a string as text, bytes as binary. Frames of one tick leave together, in order. */
  abstract send(data: string | Uint8Array, taken?: TakenCallback): void;
  /** Sends a message that many connections receive; it is framed once for all of them. */
  abstract sendShared(message: SharedMessage): void;
  /** Offers to the system what is held back for the end of the tick. */
  abstract flush(): void;
  abstract ping(): void;
  /** Starts the closing handshake (RFC 6455 §7.1.2); everything sent before leaves first. */
  abstract close(code: number, reason: string): void;
  /** Cuts the connection without a closing handshake. */
  abstract terminate(): void;
  /** Stops reading. What was already read may still arrive: up to one chunk of 64 KiB. */
  abstract pause(): void;
  abstract resume(): void;
}

/** One encoded message for many receivers; the frame is built by the first that wants it. */
export class SharedMessage {
  #frame: Buffer | undefined;

  constructor(readonly data: string | Uint8Array) {}

  get frame(): Buffer {
    return (this.#frame ??= typeof this.data === 'string' ? frameText(this.data) : frameBinary(this.data));
  }
}
