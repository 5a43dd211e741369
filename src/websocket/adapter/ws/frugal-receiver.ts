import type { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { isEmptyFragment } from './empty-fragments.js';
import { ReadQueue } from './read-queue.js';
import { standAlone } from './stand-alone.js';
import { unfinishedBytesOf } from './unfinished-message.js';
import { ParserState, type Receiver } from './ws-internals.js';

/*
 * `ws` does the parsing; this file only changes how its parser takes bytes out of what was read. For each frame it asks
 * three times (header, mask, payload), gets six new views, unmasks byte by byte and proves that text is UTF-8. Here the
 * header is copied into one buffer of the process, the mask is kept as a number and taken off four bytes at a time,
 * and what turns out to be ASCII needs no proof: a whole text of it leaves as a string, and no view is made.
 *
 * `ws-internals.ts` has what this needs of `ws`, `receiver-trial.ts` tries whether it is so.
 */

/** A WebSocket as far as its parser asks for it: who listens beside this library, and who wants to know what is kept. */
export interface Listened extends Pick<EventEmitter, 'listenerCount'> {
  /** The parser keeps a part of a message. */
  isUnfinished: boolean;
  /** What is left in the parser waits for the next turn. */
  readonly isYielding: boolean;
  /** A frame begins that adds nothing to its message and does not end it. */
  noteEmptyFragment(): void;
  /** Told after each chunk that leaves a part, and after the first that does not. */
  noteUnfinished(byteLength: number): void;
}

/** The opcode of text (RFC 6455 §5.2). */
const TEXT = 1;

const HEADER = Buffer.alloc(8);
const NO_MASK = Buffer.alloc(4);

/** Replaces the queue of a parser between two frames, which is where nearly all of them are. */
const NOTHING_READ = {
  length: 0,
  push(_chunk: Buffer): void {
    throw new Error('A chunk was not given to write().');
  },
};

/** Queues that no parser needs at the moment. */
const spareQueues: ReadQueue[] = [];
const MAX_SPARE_QUEUES = 64;

interface FrugalReceiver extends Receiver {
  _buffers: ReadQueue | typeof NOTHING_READ;
  listened: Listened;
}

/** A parser that reads a chunk. */
type ReadingReceiver = FrugalReceiver & { readonly _buffers: ReadQueue };

/** Replaces the method of the same name. The parser has made sure that the bytes are there. */
function consume(this: ReadingReceiver, byteLength: number): Buffer | string {
  this._bufferedBytes -= byteLength;
  const { _buffers: queue, _state: state } = this;
  if (state === ParserState.getData) {
    const isWholeText = this._opcode === TEXT && this._fin && this._fragmented === 0;
    const payload = queue.takePayload(byteLength, isWholeText && this.listened.listenerCount('message') === 0);
    this._skipUTF8Validation = isWholeText && queue.isAscii;
    // The parser keeps it until the last fragment comes, and must not keep what was read with it.
    return this._fin || typeof payload === 'string' ? payload : standAlone(payload);
  }
  if (state !== ParserState.getMask) return queue.copy(HEADER, byteLength);
  if (isEmptyFragment(this)) this.listened.noteEmptyFragment();
  queue.takeMask();
  return NO_MASK;
}

/** What the parser found wrong with the chunk it was given last. */
let fault: Error | undefined;

/** Streams expect an encoding, also for bytes. */
const BYTES = 'latin1';

function noteFault(error?: Error | null): void {
  fault = error ?? undefined;
}

/**
 * Replaces `Writable.write`. The parser has finished a chunk when its `_write` returns, so nothing has to be queued,
 * told in a later tick, or stopped at the high-water mark.
 */
function write(this: FrugalReceiver, chunk: Buffer): boolean {
  if (this.destroyed || this.writableEnded) return Writable.prototype.write.call(this, chunk, BYTES);
  let queue = this._buffers;
  if (queue === NOTHING_READ) this._buffers = queue = spareQueues.pop() ?? new ReadQueue();
  if (this._loop || this.listened.isYielding) {
    // From inside of a handler, or ahead of the next turn: the loop that goes on then goes on with this chunk.
    this._bufferedBytes += chunk.length;
    queue.push(chunk);
    return !this.listened.isYielding;
  }
  fault = undefined;
  try {
    this._write(chunk, BYTES, noteFault);
  } catch (error) {
    // A listener of the application threw: the parser is in the middle of a message and cannot go on.
    this._loop = false;
    this.destroy(error as Error);
    throw error;
  }
  if (fault !== undefined) this.destroy(fault);
  const unfinished = unfinishedBytesOf(this);
  if (unfinished > 0 || this.listened.isUnfinished) this.listened.noteUnfinished(unfinished);
  // The mask of a frame whose payload is still to come is in the queue, too.
  if (queue.length === 0 && this._state === ParserState.getInfo) {
    this._buffers = NOTHING_READ;
    if (spareQueues.length < MAX_SPARE_QUEUES) spareQueues.push(queue as ReadQueue);
  }
  return true;
}

/** Makes one parser frugal; it must not have read anything yet. */
export function makeFrugal(receiver: Receiver, listened: Listened): void {
  const frugal = receiver as FrugalReceiver;
  frugal._buffers = NOTHING_READ;
  frugal.listened = listened;
  frugal.consume = consume;
  frugal.write = write as Receiver['write'];
}
