import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { SharedMessage, TakenCallback } from '../connection/transport.js';
import type { TransportListener } from '../connection/transport-listener.js';
import { CloseCode } from '../protocol/close-code.js';
import { frameBinary, frameText } from '../protocol/frame.js';
import { FrameArena, MAX_ARENA_TEXT } from '../protocol/frame-arena.js';
import type { Receiver } from './fast-receiver.js';
import { flushSoon, type Flushable } from './flush-queue.js';
import { WsTransport } from './ws-transport.js';

/*
 * What this file takes of `ws` beyond its documented interface:
 *
 * - Without an extension `ws` writes every frame of its own to the socket synchronously and whole, so bytes that we write
 *   between two of its calls stand between two of its frames.
 * - Every frame of its own goes out through a public method of the WebSocket (`close`, `pong`, `ping`, `send`), also when
 *   it answers by itself, so a subclass (the documented option `WebSocket`) can let what we hold back leave first.
 *
 * And of Node: a `net.Socket`, encrypted or not, whose `writableLength` is 0 after a write has copied the bytes, into the
 * kernel or its encryption.
 *
 * `test/unit/adapter/fast-path.spec.ts` fails when one of the two changes; `WsTransport` is the way without them.
 */

/**
 * A `ws` socket that lets held-back messages leave before any frame of its own. It knows whose it is by fields: closures
 * would be kept for every connection.
 */
export class FlushingWebSocket extends WebSocket {
  transport?: WsTransport;
  listener?: TransportListener;

  /** What the peer and the socket say goes to the connection first, then to whoever else listens. */
  override emit(event: string | symbol, first?: unknown, second?: unknown, ...more: unknown[]): boolean {
    const isHeard = this.listenerCount(event) > 0;
    if (event === 'message') this.#deliver(first as string | Buffer, second as boolean);
    else if (event === 'close') this.listener?.onClose(first as number, String(second));
    else if (event === 'error')
      this.listener?.onError(first as Error, closeCodeOf((first as NodeJS.ErrnoException).code));
    return isHeard && super.emit(event, first, second, ...more);
  }

  #deliver(data: string | Buffer, isBinary: boolean): void {
    const { transport } = this;
    transport?.beginMessage();
    this.listener?.onMessage(data, isBinary);
    transport?.endMessage();
  }

  override close(code?: number, data?: string | Buffer): void {
    this.transport?.seal();
    super.close(code, data);
  }

  override terminate(): void {
    this.transport?.seal();
    super.terminate();
  }

  override pong(...args: unknown[]): void {
    this.transport?.flush();
    super.pong(...(args as Parameters<WebSocket['pong']>));
  }

  override ping(...args: unknown[]): void {
    this.transport?.flush();
    super.ping(...(args as Parameters<WebSocket['ping']>));
  }

  override send(...args: unknown[]): void {
    this.transport?.flush();
    super.send(...(args as Parameters<WebSocket['send']>));
  }
}

/** Where small frames of all connections are written; most of the time one connection writes at a time. */
const arena = new FrameArena();

/** More parts than this are joined for each receiver alone: comparing them would cost more, and keeping them too. */
const MAX_SHARED_PARTS = 64;

/** Receivers of one broadcast hold the same frames, so what was joined for the one before is often right for the next. */
let joinedParts: readonly Buffer[] = [];
let joinedBytes: Buffer = Buffer.alloc(0);

/**
 * Writes what one connection gets in one event of the event loop as one buffer, with one system call: the replies of a
 * read burst, the messages of a broadcast.
 */
export class FastTransport extends WsTransport implements Flushable {
  /** Frames that wait for the end of the event, in order, before those of the open region. */
  #held: Buffer[] | undefined;
  /** Frames in the arena that stand one behind the other and are ours alone. */
  #region: Buffer | undefined;
  #regionStart = 0;
  #regionEnd = 0;
  #heldBytes = 0;
  /** What waited in the socket when the first of the held-back frames came; it can only have become less. */
  #writableBytes = 0;
  /** Neither side has begun to close. */
  #open = true;
  #taken: TakenCallback[] | undefined;
  /** The queue knows that something is held back. */
  #queued = false;
  /** The message in hand is the last of what was read, so what is held back need not wait for others. */
  #last = false;
  readonly #receiver: Receiver | undefined;

  constructor(ws: FlushingWebSocket, socket: Socket, receiver: Receiver | undefined) {
    super(ws, socket);
    this.#receiver = receiver;
  }

  override get bufferedBytes(): number {
    return this.#heldBytes === 0 ? this.socket.writableLength : this.#writableBytes + this.#heldBytes;
  }

  /** Kept here, because asking the socket of every receiver of a broadcast costs more than all the rest. */
  override get isOpen(): boolean {
    return this.#open && (this.#heldBytes > 0 || super.isOpen);
  }

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    if (!this.isOpen) {
      taken?.(new Error('The connection is closing.'));
      return;
    }
    if (taken !== undefined) (this.#taken ??= []).push(taken);
    if (typeof data !== 'string') this.#hold(frameBinary(data));
    else if (data.length > MAX_ARENA_TEXT) this.#hold(frameText(data));
    else this.#append(data);
    if (!this.#queued && !this.#last) this.#queue(false);
  }

  override sendShared(message: SharedMessage): void {
    if (!this.isOpen) return;
    this.#hold(message.frame);
    if (!this.#queued && !this.#last) this.#queue(true);
  }

  override beginMessage(): void {
    this.#last = this.#receiver?._bufferedBytes === 0;
  }

  override endMessage(): void {
    if (!this.#last) return;
    this.#last = false;
    this.flush();
  }

  override seal(): void {
    this.flush();
    this.#open = false;
  }

  /** Writes what is held back. */
  override flush(): void {
    this.#queued = false;
    if (this.#heldBytes === 0) return;
    const bytes = this.#takeHeld();
    const taken = this.#taken;
    if (taken === undefined) {
      this.socket.write(bytes);
    } else {
      this.#taken = undefined;
      this.socket.write(bytes, (error) => {
        for (const tell of taken) tell(error);
      });
    }
    if (this.socket.writableLength === 0) arena.giveBack(bytes);
  }

  #queue(shared: boolean): void {
    this.#queued = true;
    flushSoon(this, shared);
  }

  /** Adds a small text to the frames in the arena. */
  #append(text: string): void {
    arena.reserve(text);
    if (this.#region !== arena.buffer || this.#regionEnd !== arena.position) {
      this.#sealRegion();
      this.#region = arena.buffer;
      this.#regionStart = arena.position;
    }
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    const before = arena.position;
    arena.writeText(text);
    this.#regionEnd = arena.position;
    this.#heldBytes += arena.position - before;
  }

  #hold(frame: Buffer): void {
    this.#sealRegion();
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    (this.#held ??= []).push(frame);
    this.#heldBytes += frame.length;
  }

  /** Somebody else wrote into the arena, or a frame of another kind follows: what is ours there becomes one part. */
  #sealRegion(): void {
    if (this.#region === undefined) return;
    (this.#held ??= []).push(this.#region.subarray(this.#regionStart, this.#regionEnd));
    this.#region = undefined;
  }

  #takeHeld(): Buffer {
    this.#heldBytes = 0;
    if (this.#held === undefined && this.#region !== undefined) {
      const bytes = this.#region.subarray(this.#regionStart, this.#regionEnd);
      // An idle connection must not keep an arena alive.
      this.#region = undefined;
      return bytes;
    }
    this.#sealRegion();
    const parts = this.#held ?? [];
    this.#held = undefined;
    return join(parts);
  }
}

function join(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  if (parts.length > MAX_SHARED_PARTS) return Buffer.concat(parts);
  const isSame = parts.length === joinedParts.length && parts.every((part, index) => part === joinedParts[index]);
  if (!isSame) {
    joinedParts = parts;
    joinedBytes = Buffer.concat(parts);
  }
  return joinedBytes;
}

/** The close code `ws` answers a fault with; its `'close'` event says 1006 whatever it sent. */
function closeCodeOf(code: string | undefined): number {
  switch (code) {
    case 'WS_ERR_INVALID_UTF8':
    case 'Z_DATA_ERROR':
    case 'Z_BUF_ERROR':
    case 'Z_STREAM_ERROR':
    case 'Z_NEED_DICT':
      return CloseCode.invalidPayload;
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return CloseCode.messageTooBig;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return CloseCode.policyViolation;
    default:
      return code?.startsWith('WS_ERR_') === true ? CloseCode.protocolError : 1006;
  }
}
