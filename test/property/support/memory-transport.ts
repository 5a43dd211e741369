import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Transport, type SharedMessage, type TakenCallback } from '../../../src/websocket/connection/transport.js';
import type { TransportListener } from '../../../src/websocket/connection/transport-listener.js';
import { Acceptor } from '../../../src/websocket/lifecycle/establish/acceptor.js';

/** A close frame as one side sent it. */
export interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

type WireEvent = { readonly message: string } | CloseFrame;

/**
 * A WebSocket without a network: the port `Transport` in memory. The test plays the peer: it `deliver`s, closes, breaks
 * the protocol or cuts. As on a real socket, what arrives while reading is paused waits on the wire, in order, and the
 * end is told once, later, never from inside a call.
 */
export class MemoryTransport extends Transport {
  override readonly raw = undefined;
  isOpen = true;
  override get isCut(): boolean {
    return this.isOver;
  }

  override bufferedBytes = 0;
  override overheadBytes = 0;
  override isInMessage = false;
  override bytesRead = 1;
  listener: TransportListener | undefined;
  paused = false;
  pings = 0;
  /** Messages that were given to the listener. */
  readonly delivered: string[] = [];
  readonly sent: string[] = [];
  /** What may never be asked of a transport. */
  readonly faults: string[] = [];
  /** The close frame of this side. */
  closeSent: CloseFrame | undefined;
  closeReceived: CloseFrame | undefined;
  isOver = false;
  /** This side closed or cut before the peer did. */
  isClosedByUs = false;
  /** The peer's close frame came before any of ours. */
  isClosedByPeer = false;
  readonly #wire: WireEvent[] = [];

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    if (this.closeSent !== undefined) this.faults.push(`sent after our close frame: ${String(data)}`);
    this.sent.push(String(data));
    queueMicrotask(() => taken?.());
  }

  override sendShared(message: SharedMessage): void {
    this.send(message.data);
  }

  override trySendShared(): boolean {
    return false;
  }

  override flush(): void {}

  override count(): void {
    this.listener?.account.set('outbox', this.isOver ? 0 : this.bufferedBytes + this.overheadBytes);
  }

  override ping(): void {
    this.pings++;
  }

  override close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.isClosedByUs = true;
    this.closeSent = { code, reason };
  }

  override terminate(): void {
    if (this.isOpen) this.isClosedByUs = true;
    this.cut();
  }

  override pause(): void {
    if (!this.isOpen) this.faults.push('paused after the end began');
    this.paused = true;
  }

  override resume(): void {
    this.paused = false;
    queueMicrotask(() => this.#read());
  }

  override get isPaused(): boolean {
    return this.paused;
  }

  override readonly isHolding = false;

  override handOver(): void {}

  /** The peer sends one message. */
  deliver(message: string): void {
    this.#arrive({ message });
  }

  /** The peer closes, or answers our close. */
  closeByPeer(code: number, reason = ''): void {
    this.#arrive({ code, reason });
  }

  /** The peer breaks the protocol: this side has answered with a close frame and ends. */
  breakProtocol(code: number): void {
    if (this.isOver || this.closeReceived !== undefined) return;
    this.listener?.writeOwedClose();
    this.isOpen = false;
    this.closeSent ??= { code, reason: '' };
    this.listener?.onPeerError(new Error('the peer broke the protocol'), code);
    this.cut();
  }

  /** The network is gone. */
  cut(): void {
    this.isOpen = false;
    this.#end();
  }

  #arrive(event: WireEvent): void {
    if (this.isOver) return;
    this.#wire.push(event);
    this.#read();
  }

  #read(): void {
    while (!this.paused && !this.isOver && this.closeReceived === undefined) {
      const event = this.#wire.shift();
      if (event === undefined) return;
      this.bytesRead++;
      if ('message' in event) {
        this.delivered.push(event.message);
        this.listener?.onMessage(Buffer.from(event.message), false);
      } else {
        this.closeReceived = event;
        this.listener?.onPeerClose(event.code, event.reason);
        this.isOpen = false;
        this.isClosedByPeer = this.closeSent === undefined;
        this.closeSent ??= event;
        this.#end();
      }
    }
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    queueMicrotask(() => this.listener?.onClose());
  }
}

/** Accepts every upgrade, and keeps the transports by their request. */
export class MemoryAcceptor extends Acceptor {
  readonly transports = new Map<IncomingMessage, MemoryTransport>();

  override accept(
    request: IncomingMessage,
    _socket: Duplex,
    _head: Buffer,
    _answer: unknown,
    _settings: unknown,
    open: (transport: Transport) => TransportListener,
  ): void {
    const transport = new MemoryTransport();
    this.transports.set(request, transport);
    transport.listener = open(transport);
  }
}
