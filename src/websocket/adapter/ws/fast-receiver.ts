import type { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import * as wsPackage from 'ws';
import type { WebSocket } from 'ws';
import { ReadQueue } from './read-queue.js';

/*
 * `ws` does the parsing; this file only changes how its parser takes bytes out of what was read. For each frame it asks
 * three times (header, mask, payload), gets six new views, unmasks byte by byte and proves that text is UTF-8. Here the
 * header is copied into one buffer that lives for ever, the mask is kept as a number and taken off four bytes at a time,
 * and what turns out to be ASCII needs no proof: a whole text of it leaves as a string, and no view is made. What this
 * takes of `ws` beyond its documented interface:
 *
 * - `websocket._receiver` is the parser. It puts chunks into `_buffers` with `push`, asks for its `length`, and takes
 *   bytes out through `consume` alone, which also keeps `_bufferedBytes`.
 * - Its `_write` is through with a chunk when it returns, or has told its callback what is wrong; `_loop` says that it is
 *   inside.
 * - A header is looked at before anything else is taken, and a mask of zeros is not applied.
 * - Of a text in one frame it only asks for the `length` and, unless `_skipUTF8Validation` is set, whether it is valid;
 *   then the text goes to the listeners of `'message'`.
 *
 * A trial on the parser of the installed `ws` decides once per process whether all that is so; if it is not, `ws` stays as
 * it is. `test/property/fast-receiver.spec.ts` holds both against each other.
 */

/** The parser of one connection, as far as it is known here. */
export interface Receiver extends Writable {
  _bufferedBytes: number;
  _buffers: Buffer[] | ReadQueue | typeof NOTHING_READ;
  _skipUTF8Validation: boolean;
  readonly _state: number;
  readonly _opcode: number;
  readonly _fin: boolean;
  /** The opcode of the message whose first fragment has been read; 0 for none. */
  readonly _fragmented: number;
  /** It is in the middle of a chunk. */
  _loop: boolean;
  consume(byteLength: number): Buffer | string;
}

/** A WebSocket as far as its parser asks for it: who listens beside this library. */
export type Listened = Pick<EventEmitter, 'listenerCount'>;

export type ReceiverClass = new (options: { isServer: boolean }) => Receiver;

/** States of the parser: between two frames, and where it asks for a mask and for a payload. */
const GET_INFO = 0;
const GET_MASK = 3;
const GET_DATA = 4;

/** The opcode of text (RFC 6455 §5.2). */
const TEXT = 1;

const HEADER = Buffer.alloc(8);
const NO_MASK = Buffer.alloc(4);

/** Stands in for the queue of a parser between two frames, which is where nearly all of them are. */
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

/** A parser that has a chunk in hand. */
type ReadingReceiver = FrugalReceiver & { readonly _buffers: ReadQueue };

/** Stands in for the method of the same name; the parser has made sure that the bytes are there. */
function consume(this: ReadingReceiver, byteLength: number): Buffer | string {
  this._bufferedBytes -= byteLength;
  const { _buffers: queue, _state: state } = this;
  if (state === GET_DATA) {
    const isWholeText = this._opcode === TEXT && this._fin && this._fragmented === 0;
    const payload = queue.takePayload(byteLength, isWholeText && this.listened.listenerCount('message') === 0);
    this._skipUTF8Validation = isWholeText && queue.isAscii;
    return payload;
  }
  if (state !== GET_MASK) return queue.copy(HEADER, byteLength);
  queue.takeMask();
  return NO_MASK;
}

/** What the parser found wrong with the chunk it was given last. */
let fault: Error | undefined;

/** Streams want to hear of an encoding also where there is none. */
const BYTES = 'latin1';

function noteFault(error?: Error | null): void {
  fault = error ?? undefined;
}

/**
 * Stands in for `Writable.write`. The parser is through with a chunk when its `_write` returns, so nothing has to be queued,
 * told in a later tick, or stopped at the high-water mark.
 */
function write(this: FrugalReceiver, chunk: Buffer): boolean {
  if (this.destroyed || this.writableEnded) return Writable.prototype.write.call(this, chunk, BYTES);
  if (this._loop) {
    // From inside of a handler: the loop that called it goes on with this chunk.
    this._bufferedBytes += chunk.length;
    this._buffers.push(chunk);
    return true;
  }
  let queue = this._buffers;
  if (queue === NOTHING_READ) this._buffers = queue = spareQueues.pop() ?? new ReadQueue();
  fault = undefined;
  try {
    this._write(chunk, BYTES, noteFault);
  } catch (error) {
    // A listener of the application threw: the parser stands in the middle of a message and cannot go on.
    this._loop = false;
    this.destroy(error as Error);
    throw error;
  }
  if (fault !== undefined) this.destroy(fault);
  // The mask of a frame whose payload is still to come is in the queue, too.
  if (queue.length === 0 && this._state === GET_INFO) {
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

let passed: boolean | undefined;

/** Makes the parser of a new connection frugal; `undefined` where this `ws` is not the one that is known here. */
export function frugalReceiverOf(websocket: WebSocket): Receiver | undefined {
  const { _receiver: receiver } = websocket as { _receiver?: Receiver };
  passed ??= passesTrial((wsPackage as { Receiver?: ReceiverClass }).Receiver);
  if (!passed || receiver === undefined || !(Array.isArray(receiver._buffers) && receiver._buffers.length === 0)) {
    return undefined;
  }
  makeFrugal(receiver, websocket);
  return receiver;
}

/** Every form of a short frame; payloads as short as a header and a mask are among them. */
const SHORT = Buffer.concat([
  frame(0x81, Buffer.from('a')),
  frame(0x01, Buffer.from('ab')),
  frame(0x89, Buffer.from('ping')),
  frame(0x80, Buffer.from('cdefgh')),
  frame(0x8a, Buffer.alloc(0)),
  frame(0x82, Buffer.alloc(300, 7)),
  frame(0x81, Buffer.from('ü and more')),
  frame(0x01, Buffer.from([0xc3])),
  frame(0x80, Buffer.from([0xbc])),
  frame(0x81, Buffer.from('the end of it')),
]);
/** What is not UTF-8, as a whole text and as the second half of one. */
const BROKEN = frame(0x81, Buffer.from([0x61, 0xff]));
const BROKEN_LATER = Buffer.concat([frame(0x01, Buffer.from('a')), frame(0x80, Buffer.from([0xff]))]);
/** A frame of the longest form between short ones. */
const LONG = Buffer.concat([SHORT, frame(0x82, Buffer.alloc(66_000, 9)), SHORT]);

/** The trial listens to the parser itself. */
const NOBODY: Listened = { listenerCount: () => 0 };

/** Tells whether a parser reads the same with and without what this file changes, however the bytes are cut. */
export function passesTrial(receiverClass: ReceiverClass | undefined): boolean {
  if (receiverClass === undefined) return false;
  const createReceiver = (): Receiver => new receiverClass({ isServer: true });
  const reads = (bytes: Buffer, pieceBytes: number): boolean => {
    const [expected] = readInPieces([createReceiver()], bytes, bytes.length);
    // Two in turn, so that what they share cannot pass for what is their own.
    const two = [createReceiver(), createReceiver()];
    for (const receiver of two) makeFrugal(receiver, NOBODY);
    // A parser that tells later than it is written to says nothing here, and is none for this file.
    return expected !== '' && readInPieces(two, bytes, pieceBytes).every((read) => read === expected);
  };
  try {
    const areShortRead = [1, 3, 7, SHORT.length].every((pieceBytes) => reads(SHORT, pieceBytes));
    const isBrokenRead = [BROKEN, BROKEN_LATER].every((bytes) => reads(Buffer.concat([SHORT, bytes]), 1000));
    return areShortRead && isBrokenRead && reads(LONG, 16_381);
  } catch {
    return false;
  }
}

/** What each parser says about the bytes, read as Latin-1 so that ASCII is the same as bytes and as text; written down at the end, so that bytes which were overwritten show. */
function readInPieces(receivers: readonly Receiver[], bytes: Buffer, pieceBytes: number): string[] {
  const events = receivers.map((receiver) => {
    const seen: [event: string, data: unknown][] = [];
    for (const event of ['message', 'ping', 'pong', 'error']) receiver.on(event, (data) => seen.push([event, data]));
    return seen;
  });
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    // The parser unmasks in place, so each one gets bytes of its own.
    for (const receiver of receivers) receiver.write(Buffer.from(bytes.subarray(start, start + pieceBytes)));
  }
  return events.map((seen) =>
    seen
      .map(([event, data]) => `${event} ${Buffer.isBuffer(data) ? data.toString('latin1') : String(data)}`)
      .join('\n'),
  );
}

/** A masked frame as clients send it (RFC 6455 §5.2). */
function frame(firstByte: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
  header[0] = firstByte;
  header[1] = 0x80 | (payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(payload.length, 2);
  if (header.length === 10) header.writeUInt32BE(payload.length, 6);
  const mask = Buffer.from([0x92, 0x34, 0xd6, 0x78]);
  return Buffer.concat([header, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}
