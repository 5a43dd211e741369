import * as wsPackage from 'ws';
import type { WebSocket } from 'ws';

/*
 * `ws` does the parsing; this file only changes how its parser takes bytes out of what was read. For each frame it asks
 * three times (header, mask, payload) and gets six new views; here header and mask are copied into two buffers that live
 * for ever, and only the payload is a view. What this takes of `ws` beyond its documented interface:
 *
 * - `websocket._receiver` is the parser. It puts chunks into `_buffers` with `push`, asks for its `length`, and takes
 *   bytes out through `consume` alone, which also keeps `_bufferedBytes`.
 * - A header is looked at before anything else is taken, and so is a mask when the whole payload is there.
 *
 * A trial on the parser of the installed `ws` decides once per process whether all that is so; if it is not, `ws` stays as
 * it is. `test/property/fast-receiver.spec.ts` holds both against each other.
 */

/** The parser of one connection, as far as it is known here. */
export interface Receiver {
  _bufferedBytes: number;
  _buffers: Buffer[] | ReadQueue;
  readonly _state: number;
  readonly _payloadLength: number;
  consume(byteLength: number): Buffer;
}

/** A parser outside of a connection, as the trial uses it. */
export interface LooseReceiver extends Receiver {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  write(chunk: Buffer): boolean;
}

export type ReceiverClass = new (options: { isServer: boolean }) => LooseReceiver;

/** States of the parser in which it asks for a mask, and for a payload. */
const GET_MASK = 3;
const GET_DATA = 4;

const HEADER = Buffer.alloc(8);
const MASK = Buffer.alloc(4);

/** What was read from one socket and not parsed yet. */
class ReadQueue {
  #first: Buffer | undefined;
  #offset = 0;
  /** Chunks behind the first one; only where a payload is larger than a chunk. */
  #rest: Buffer[] | undefined;

  get length(): number {
    if (this.#first === undefined) return 0;
    return 1 + (this.#rest?.length ?? 0);
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#first === undefined) this.#first = chunk;
    else (this.#rest ??= []).push(chunk);
  }

  /** Moves the next bytes into `target` and returns it. */
  copy(target: Buffer, byteLength: number): Buffer {
    let first = this.#first;
    for (let i = 0; i < byteLength && first !== undefined; i++) {
      target[i] = first[this.#offset++] ?? 0;
      if (this.#offset === first.length) first = this.#next();
    }
    return target;
  }

  /** The next bytes: a view where they are in one chunk, otherwise a copy. */
  take(byteLength: number): Buffer {
    const first = this.#first;
    const start = this.#offset;
    if (first === undefined || start + byteLength > first.length) return this.#join(byteLength);
    if (start + byteLength === first.length) this.#next();
    else this.#offset = start + byteLength;
    return first.subarray(start, start + byteLength);
  }

  #join(byteLength: number): Buffer {
    const joined = Buffer.allocUnsafe(byteLength);
    let first = this.#first;
    let at = 0;
    while (at < byteLength && first !== undefined) {
      const start = this.#offset;
      const part = first.subarray(start, start + byteLength - at);
      joined.set(part, at);
      at += part.length;
      this.#offset = start + part.length;
      if (this.#offset === first.length) first = this.#next();
    }
    return joined;
  }

  #next(): Buffer | undefined {
    this.#offset = 0;
    this.#first = this.#rest?.shift();
    if (this.#rest?.length === 0) this.#rest = undefined;
    return this.#first;
  }
}

/** Stands in for the method of the same name; the parser has made sure that the bytes are there. */
function consume(this: Receiver & { readonly _buffers: ReadQueue }, byteLength: number): Buffer {
  this._bufferedBytes -= byteLength;
  const { _buffers: queue, _state: state } = this;
  if (state === GET_DATA) return queue.take(byteLength);
  if (state !== GET_MASK) return queue.copy(HEADER, byteLength);
  // A mask that has to wait for its payload must outlive the next connection's.
  return this._payloadLength <= this._bufferedBytes ? queue.copy(MASK, byteLength) : queue.take(byteLength);
}

/** Makes one parser frugal; it must not have read anything yet. */
export function makeFrugal(receiver: Receiver): void {
  receiver._buffers = new ReadQueue();
  receiver.consume = consume;
}

let passed: boolean | undefined;

/** Makes the parser of a new connection frugal; `undefined` where this `ws` is not the one that is known here. */
export function frugalReceiverOf(websocket: WebSocket): Receiver | undefined {
  const { _receiver: receiver } = websocket as { _receiver?: Receiver };
  passed ??= passesTrial((wsPackage as { Receiver?: ReceiverClass }).Receiver);
  if (!passed || receiver === undefined || !(Array.isArray(receiver._buffers) && receiver._buffers.length === 0)) {
    return undefined;
  }
  makeFrugal(receiver);
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
  frame(0x81, Buffer.from('the end of it')),
]);
/** A frame of the longest form between short ones. */
const LONG = Buffer.concat([SHORT, frame(0x82, Buffer.alloc(66_000, 9)), SHORT]);

/** Tells whether a parser reads the same with and without what this file changes, however the bytes are cut. */
export function passesTrial(receiverClass: ReceiverClass | undefined): boolean {
  if (receiverClass === undefined) return false;
  const createReceiver = (): LooseReceiver => new receiverClass({ isServer: true });
  const reads = (bytes: Buffer, pieceBytes: number): boolean => {
    const [expected] = readInPieces([createReceiver()], bytes, bytes.length);
    // Two in turn, so that what they share cannot pass for what is their own.
    const two = [createReceiver(), createReceiver()];
    for (const receiver of two) makeFrugal(receiver);
    return readInPieces(two, bytes, pieceBytes).every((read) => read === expected);
  };
  try {
    return reads(SHORT, 1) && reads(SHORT, 3) && reads(SHORT, 7) && reads(SHORT, SHORT.length) && reads(LONG, 16_381);
  } catch {
    return false;
  }
}

/** What each parser says about the bytes; written down at the end, so that bytes which were overwritten show. */
function readInPieces(receivers: readonly LooseReceiver[], bytes: Buffer, pieceBytes: number): string[] {
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
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  return Buffer.concat([header, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}
