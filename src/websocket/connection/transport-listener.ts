/** What a transport tells whoever opened it. Nothing may be thrown back at it. */
export interface TransportListener {
  /** One whole message; text as a string or as the UTF-8 bytes of it, already validated. */
  onMessage(data: string | Buffer, isBinary: boolean): void;
  /** The peer or the socket failed; `closeCode` is the code this side answers with. A close follows. */
  onError(error: Error, closeCode: number): void;
  /** The socket is closed: exactly once, and nothing after it. 1006 means there was no close frame. */
  onClose(code: number, reason: string): void;
}
