import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { SharedMessage, TakenCallback } from '../../connection/transport.js';
import { frameBinary, frameText } from '../../protocol/frame.js';
import { FrameArena, MAX_ARENA_TEXT } from '../../protocol/frame-arena.js';
import type { Receiver } from './fast-receiver.js';
import { flushSoon, type Flushable } from './flush-queue.js';
import { holdFrame, holdSharedFrame, joinFrames, type HeldFrames } from './held-frames.js';
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
 * `test/unit/adapter/ws/fast-path.spec.ts` fails when one of the two changes; `WsTransport` is the way without them.
 */

/** Where small frames of all connections are written; most of the time one connection writes at a time. */
const arena = new FrameArena();

const NOTHING = Buffer.alloc(0);

/** Not where somebody wrapped the socket: whoever did may keep the bytes for as long as they like. */
function copiesWhatItWrites(socket: Socket): boolean {
  return socket.write === Writable.prototype.write && socket._write === Socket.prototype._write;
}

/**
 * Writes what one connection gets in one event of the event loop as one buffer, with one system call: the replies of a
 * read burst, the messages of a broadcast.
 */
export class FastTransport extends WsTransport implements Flushable {
  /** What waits for the end of the event, before the frames of the open region. */
  #held: HeldFrames | undefined;
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

  constructor(ws: WebSocket, socket: Socket, receiver: Receiver | undefined) {
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
    if (typeof data !== 'string') this.#hold(frameBinary(data), false);
    else if (data.length > MAX_ARENA_TEXT) this.#hold(frameText(data), false);
    else this.#append(data);
    if (!this.#queued && !this.#last) this.#queue(false);
  }

  override sendShared(message: SharedMessage): void {
    if (!this.isOpen) return;
    this.#hold(message.frame, true);
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
    if (this.socket.writableEnded) {
      // The peer ended its side and `ws` answered: a write would only take along what the socket has still to send.
      this.#taken = undefined;
      for (const tell of taken ?? []) tell(new Error('The connection is closing.'));
      return;
    }
    if (taken === undefined) {
      this.socket.write(bytes);
    } else {
      this.#taken = undefined;
      this.socket.write(bytes, (error) => {
        for (const tell of taken) tell(error);
      });
    }
    if (this.socket.writableLength === 0 && copiesWhatItWrites(this.socket)) arena.giveBack(bytes);
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

  #hold(frame: Buffer, isShared: boolean): void {
    this.#sealRegion();
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    this.#held = isShared ? holdSharedFrame(this.#held, frame) : holdFrame(this.#held, frame);
    this.#heldBytes += frame.length;
  }

  /** Somebody else wrote into the arena, or a frame of another kind follows: what is ours there becomes one part. */
  #sealRegion(): void {
    if (this.#region === undefined) return;
    this.#held = holdFrame(this.#held, this.#region.subarray(this.#regionStart, this.#regionEnd));
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
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? NOTHING : joinFrames(held);
  }
}
