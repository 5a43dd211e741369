import type { Socket } from 'node:net';
import { flushInSlices, type Flushable } from '../../async/slices.js';
import { describeError } from '../../errors/describe-error.js';
import { log } from '../../log/log.js';
import type { ConnectionWebSocket } from './connection-websocket.js';
import { Transport, type SharedMessage, type TakenCallback } from '../../connection/transport.js';
import { isTextFrame, payloadOf } from '../../protocol/frame.js';
import { guardWrite, writesAsNode } from './guarded-write.js';
import { framesOf, holdSharedFrame, type HeldFrames } from './held-frames.js';
import { isInMessage } from './unfinished-message.js';
import { hasParser, internalsOf } from './ws-internals.js';

/** What a message that waits costs beside its bytes: the entries of the queues of `ws` and Node, and the heads of buffers. */
const BYTES_PER_WRITE = 512;

/** A connection over `ws`, through its documented interface only. */
export class WsTransport extends Transport implements Flushable {
  #sends: WaitingSends | undefined;
  /** Messages of broadcasts that `ws` has not got yet: giving them to it takes longest where it compresses. */
  #shared: HeldFrames | undefined;
  /** The account has something of it. */
  #isCounted = false;

  constructor(
    override readonly raw: ConnectionWebSocket,
    protected readonly socket: Socket,
  ) {
    super();
  }

  override get isCut(): boolean {
    return this.socket.destroyed;
  }

  override get bufferedBytes(): number {
    return this.raw.bufferedAmount + (this.#shared === undefined ? 0 : this.#shared.byteLength);
  }

  override get overheadBytes(): number {
    return this.#sends === undefined ? 0 : this.#sends.waiting * BYTES_PER_WRITE;
  }

  override get isInMessage(): boolean {
    const { _receiver: parser } = internalsOf(this.raw);
    // While it yields, what is left are whole messages.
    return parser !== undefined && parser !== null && !this.raw.isYielding && isInMessage(parser);
  }

  override get bytesRead(): number {
    return this.socket.bytesRead;
  }

  /** A message is about to be handled. */
  beginMessage(): void {}

  /** The message was handled as far as it goes without waiting. */
  endMessage(): void {}

  /** `ws` is about to write a frame of its own: what is held back leaves first. */
  makeWay(): void {
    this.flush();
    this.prepareWrite();
  }

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    // `ws` keeps the bytes until the socket has taken them, or zlib.
    const isText = typeof data === 'string';
    this.#send(isText ? data : Buffer.from(data), isText, taken);
    if (this.#isCounted || this.raw.bufferedAmount > 0) this.count();
  }

  override sendShared(message: SharedMessage): void {
    if (this.#shared === undefined) flushInSlices(this);
    this.#shared = holdSharedFrame(this.#shared, message);
  }

  override trySendShared(message: SharedMessage, maxBytes: number): boolean {
    const held = this.#shared === undefined ? 0 : this.#shared.byteLength;
    if (this.raw.bufferedAmount > 0 || held + message.frame.length > maxBytes) return false;
    this.sendShared(message);
    return true;
  }

  #send(data: string | Uint8Array, isText: boolean, taken?: TakenCallback): void {
    if (!hasParser(this.raw)) {
      // The buffer that it waits in is not one of JavaScript; a callback for each message would cost more than the message.
      this.raw.sendAccepted(data, isText, taken);
      return;
    }
    const sends = (this.#sends ??= new WaitingSends(this));
    sends.waiting++;
    this.raw.sendAccepted(data, isText, taken === undefined ? sends.done : sends.doneAnd(taken));
  }

  override flush(): void {
    const held = this.#shared;
    if (held === undefined) return;
    this.#shared = undefined;
    // The frames are for `FastTransport`; here `ws` makes its own.
    for (const frame of framesOf(held)) this.#send(payloadOf(frame), isTextFrame(frame));
    this.count();
  }

  override count(): void {
    const { listener } = this.raw;
    const bytes = this.isCut ? 0 : this.raw.bufferedAmount + this.overheadBytes;
    this.#isCounted = bytes > 0;
    listener?.account.set('outbox', bytes);
  }

  /** `ws` has handed one more message to the system: that is news only where something waited. */
  countTaken(): void {
    if (this.#isCounted) this.count();
  }

  /** Writing failed in a way that Node's own sockets do not: this connection is over, the others go on. */
  fail(error: unknown): void {
    log.error('transport', `A connection ends because its socket cannot be written to: ${describeError(error)}`, error);
    this.raw.emit('error', error instanceof Error ? error : new Error(describeError(error), { cause: error }));
    this.raw.cut();
  }

  /** Has to be called before a write. Tells whether the socket is as Node made it. */
  protected prepareWrite(): boolean {
    if (writesAsNode(this.socket)) return true;
    // What writes there is not JavaScript.
    if (!hasParser(this.raw)) return false;
    guardWrite(this.socket, (error) => this.fail(error));
    return false;
  }

  override ping(payload?: Uint8Array): void {
    this.raw.ping(payload);
  }

  override close(code: number, reason: string): void {
    this.raw.startClosing(code, reason);
  }

  override terminate(): void {
    this.raw.cut();
  }

  override pause(): void {
    this.raw.pause();
  }

  override resume(): void {
    this.raw.resume();
  }

  override get isPaused(): boolean {
    return this.raw.isPaused;
  }

  /** Has the socket wait for the next turn; `isPaused` does not tell. */
  holdReading(): void {
    this.socket.pause();
  }

  goOnReading(): void {
    if (!this.raw.isPaused) this.socket.resume();
  }

  override handOver(deliver: Parameters<Transport['handOver']>[0]): void {
    this.raw.handOver(deliver);
  }

  override get isHolding(): boolean {
    return this.raw.isHolding;
  }
}

/** Messages that `ws` has and the system has not; one callback for all of them. */
class WaitingSends {
  waiting = 0;

  constructor(private readonly transport: WsTransport) {}

  readonly done = (): void => {
    this.waiting--;
    this.transport.countTaken();
  };

  doneAnd(taken: TakenCallback): TakenCallback {
    return (error) => {
      this.done();
      taken(error);
    };
  }
}
