import type { Socket } from 'node:net';
import type { SharedMemory } from '../../limits/byte-ledger.js';
import type { SharedMessage, TakenCallback } from '../../connection/transport.js';
import { frameBinary, frameText } from '../../protocol/frame.js';
import type { ConnectionWebSocket } from './connection-websocket.js';
import { FrameArena, MAX_ARENA_LENGTH, type ArenaBlock } from './frame-arena.js';
import { flushSoon } from './flush-queue.js';
import { holdFrame, holdSharedFrame, joinFrames, type HeldFrames } from './held-frames.js';
import { WaitingWrites } from './waiting-writes.js';
import type { Receiver } from './ws-internals.js';
import { WsTransport } from './ws-transport.js';

/** Where small frames of all connections are written; most of the time one connection writes at a time. */
const arena = new FrameArena();

const NOTHING = Buffer.alloc(0);

/** What holds the bytes that `#takeHeld` gave last, if others may use that memory as well. */
let takenMemory: SharedMemory | undefined;

/**
 * Writes what one connection gets in one event of the event loop as one buffer, with one system call: the replies of a
 * read burst, the messages of a broadcast.
 */
export class FastTransport extends WsTransport {
  /** What waits for the end of the event, before the frames of the open region. */
  #held: HeldFrames | undefined;
  /** Frames in the arena that follow one another and are ours alone. */
  #region: ArenaBlock | undefined;
  #regionStart = 0;
  #regionEnd = 0;
  #heldBytes = 0;
  /** Of these, in frames of broadcasts: as long as they are only held back, they cost nothing here. */
  #heldSharedBytes = 0;
  /** What waited in the socket when the first of the held-back frames came; it can only have become less. */
  #writableBytes = 0;
  #taken: TakenCallback[] | undefined;
  /** What the socket did not take at once. */
  #waiting: WaitingWrites | undefined;
  /** The account has something of it. */
  #isCounted = false;
  /** The queue knows that something is held back. */
  #queued = false;
  /** The current message is the last of what was read, so what is held back need not wait for others. */
  #last = false;
  readonly #receiver: Receiver | undefined;

  constructor(ws: ConnectionWebSocket, socket: Socket, receiver: Receiver | undefined) {
    super(ws, socket);
    this.#receiver = receiver;
  }

  override get bufferedBytes(): number {
    return this.#heldBytes === 0 ? this.socket.writableLength : this.#writableBytes + this.#heldBytes;
  }

  override get overheadBytes(): number {
    return this.#waiting === undefined ? 0 : this.#waiting.overheadBytes;
  }

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    if (taken !== undefined) (this.#taken ??= []).push(taken);
    if (data.length <= MAX_ARENA_LENGTH && this.#waiting === undefined) {
      this.#append(data);
    } else {
      // What waits behind other frames gets memory of its own, and so does what is large.
      this.#hold(typeof data === 'string' ? frameText(data) : frameBinary(data));
      this.count();
    }
    if (!this.#queued && !this.#last) this.#queue(false);
  }

  override sendShared(message: SharedMessage): void {
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    this.#holdShared(message);
  }

  override trySendShared(message: SharedMessage, maxBytes: number): boolean {
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    if (this.#writableBytes > 0 || this.#heldBytes + message.frame.length > maxBytes) return false;
    this.#holdShared(message);
    return true;
  }

  #holdShared(message: SharedMessage): void {
    if (this.#region !== undefined) this.#sealRegion();
    const { length } = message.frame;
    this.#heldBytes += length;
    this.#heldSharedBytes += length;
    this.#held = holdSharedFrame(this.#held, message);
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

  /** Writes what is held back. */
  override flush(): void {
    this.#queued = false;
    if (this.#heldBytes === 0) return;
    const bytes = this.#takeHeld();
    const memory = takenMemory;
    takenMemory = undefined;
    const taken = this.#taken;
    this.#taken = undefined;
    if (this.socket.writableEnded) {
      // The peer ended its side and `ws` answered: a write would only take along what the socket has still to send.
      for (const tell of taken ?? []) tell(new Error('The connection is closing.'));
      return;
    }
    const copies = this.prepareWrite();
    const callback = this.#callbackFor(taken);
    if (callback === undefined) this.socket.write(bytes);
    else this.socket.write(bytes, callback);
    if (this.socket.writableLength > 0) this.#wait(bytes, memory, taken === undefined ? 0 : taken.length);
    else if (copies) arena.giveBack(bytes);
    if (this.#isCounted) this.count();
  }

  override count(): void {
    const { listener } = this.raw;
    if (listener === undefined) return;
    const { writableLength } = this.socket;
    if (writableLength === 0 || this.isCut) {
      this.#waiting?.clear();
      this.#waiting = undefined;
    }
    const shared = this.#waiting === undefined ? 0 : this.#waiting.sharedBytes;
    const own = writableLength - shared + this.#heldBytes - this.#heldSharedBytes;
    const bytes = this.isCut ? 0 : Math.max(0, own) + this.overheadBytes;
    this.#isCounted = bytes > 0;
    listener.account.set('outbox', bytes);
  }

  /** The socket did not take a write at once. */
  #wait(bytes: Buffer, memory: SharedMemory | undefined, callbacks: number): void {
    const { listener } = this.raw;
    if (listener === undefined) return;
    this.#isCounted = true;
    // Encryption makes a copy for each socket.
    const isShared = memory !== undefined && !('encrypted' in this.socket);
    (this.#waiting ??= new WaitingWrites(listener.account)).add(bytes.length, isShared ? memory : undefined, callbacks);
  }

  /** What the socket calls when the system has the write. Only a write behind others tells the account by itself. */
  #callbackFor(taken: TakenCallback[] | undefined): TakenCallback | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined && taken === undefined) return undefined;
    return (error) => {
      if (waiting !== undefined && waiting === this.#waiting) this.#leave(waiting);
      for (const tell of taken ?? []) tell(error);
    };
  }

  #leave(waiting: WaitingWrites): void {
    waiting.shift();
    this.count();
  }

  #queue(shared: boolean): void {
    this.#queued = true;
    flushSoon(this, shared);
  }

  /** Adds a small message to the frames in the arena. */
  #append(data: string | Uint8Array): void {
    arena.reserve(data);
    if (this.#region !== arena.block || this.#regionEnd !== arena.position) {
      this.#sealRegion();
      this.#region = arena.block;
      this.#regionStart = arena.position;
    }
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    const before = arena.position;
    arena.write(data);
    this.#regionEnd = arena.position;
    this.#heldBytes += arena.position - before;
  }

  #hold(frame: Buffer): void {
    this.#sealRegion();
    if (this.#heldBytes === 0) this.#writableBytes = this.socket.writableLength;
    this.#heldBytes += frame.length;
    this.#held = holdFrame(this.#held, frame);
  }

  /** Ends our region of the arena, because another connection wrote there or a frame of another kind follows. */
  #sealRegion(): void {
    const region = this.#region;
    if (region === undefined) return;
    this.#held = holdFrame(this.#held, region.buffer.subarray(this.#regionStart, this.#regionEnd), region);
    this.#region = undefined;
  }

  #takeHeld(): Buffer {
    this.#heldBytes = 0;
    this.#heldSharedBytes = 0;
    const region = this.#region;
    if (this.#held === undefined && region !== undefined) {
      // An idle connection must not keep a block of the arena alive.
      this.#region = undefined;
      takenMemory = region;
      return region.buffer.subarray(this.#regionStart, this.#regionEnd);
    }
    this.#sealRegion();
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return NOTHING;
    const joined = joinFrames(held);
    takenMemory = joined.memory;
    return joined.frame;
  }
}
