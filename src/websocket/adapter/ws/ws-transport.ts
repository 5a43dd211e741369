import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { Transport, type SharedMessage, type TakenCallback } from '../../connection/transport.js';

/** `readyState` of an open WebSocket, as browsers number it. */
const OPEN = 1;

/** A connection over `ws`, through its documented interface only. */
export class WsTransport extends Transport {
  constructor(
    override readonly raw: WebSocket,
    protected readonly socket: Socket,
  ) {
    super();
  }

  override get isOpen(): boolean {
    return this.raw.readyState === OPEN;
  }

  override get isCut(): boolean {
    return this.socket.destroyed;
  }

  override get bufferedBytes(): number {
    return this.raw.bufferedAmount;
  }

  override get bytesRead(): number {
    return this.socket.bytesRead;
  }

  /** A message is about to be handled. */
  beginMessage(): void {}

  /** The message was handled as far as it goes without waiting. */
  endMessage(): void {}

  /** A side begins to close: what is held back leaves first, nothing follows. */
  seal(): void {}

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    this.raw.send(data, taken);
  }

  override sendShared(message: SharedMessage): void {
    this.raw.send(message.data);
  }

  /** Nothing is ever held back here. */
  override flush(): void {}

  override ping(): void {
    this.raw.ping();
  }

  override close(code: number, reason: string): void {
    this.raw.close(code, reason);
  }

  override terminate(): void {
    this.raw.terminate();
  }

  override pause(): void {
    this.raw.pause();
  }

  override resume(): void {
    this.raw.resume();
  }
}
