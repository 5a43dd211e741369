import type { WebSocket } from 'ws';
import { makeFrugal, type Listened } from './frugal-receiver.js';
import { findReceiverClass, internalsOf, type Receiver, type ReceiverClass } from './ws-internals.js';

/*
 * The trial of the frugal way of reading. The names that it needs are not promised by `ws`; so before the first connection is
 * read that way, the parser of the installed `ws` reads the same bytes with and without it, and one difference is enough:
 * then every connection is read as `ws` reads it.
 */

let passed: boolean | undefined;

/** Makes the parser of a new connection frugal; `undefined` where this `ws` is not the one that is known here. */
export function frugalReceiverOf(websocket: WebSocket & Listened): Receiver | undefined {
  passed ??= passesTrial(findReceiverClass());
  const { _receiver: receiver } = internalsOf(websocket);
  if (!passed || receiver == null || !(Array.isArray(receiver._buffers) && receiver._buffers.length === 0)) {
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
const NO_LISTENER: Listened = {
  listenerCount: () => 0,
  isUnfinished: false,
  isYielding: false,
  noteUnfinished: () => undefined,
  noteEmptyFragment: () => undefined,
};

/** Tells whether a parser reads the same with and without what this file changes, for bytes cut in any way. */
export function passesTrial(receiverClass: ReceiverClass | undefined): boolean {
  if (receiverClass === undefined) return false;
  const createReceiver = (): Receiver => new receiverClass({ isServer: true });
  const reads = (bytes: Buffer, pieceBytes: number): boolean => {
    const [expected] = readInPieces([createReceiver()], bytes, bytes.length);
    // Two in turn, so that what they share cannot pass for what is their own.
    const two = [createReceiver(), createReceiver()];
    for (const receiver of two) makeFrugal(receiver, NO_LISTENER);
    // A parser that reports later than it is written to says nothing here, and this file does not fit it.
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
