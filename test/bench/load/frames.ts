/** RFC 6455 §5.2, as far as a load generator needs it. */
export const OPCODE = { text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

const FIN = 0x80;
const MASK_BIT = 0x80;
const MASK_LENGTH = 4;
/** A mask of zeros would be a gift to a server that skips it. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Where the next frame begins. */
  readonly end: number;
}

/** A complete client frame. Built before a run and sent many times. */
export function maskedFrame(payload: string | Buffer, opcode: number = OPCODE.text): Buffer {
  const bytes = Buffer.from(payload);
  const masked = bytes.map((byte, i) => byte ^ (MASK[i % MASK_LENGTH] ?? 0));
  return Buffer.concat([header(opcode, bytes.length, MASK_BIT), MASK, masked]);
}

/** The frame a server has to answer with. */
export function serverFrame(payload: string): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([header(OPCODE.text, bytes.length, 0), bytes]);
}

/** Reads one frame, masked or not; undefined while it is incomplete. Not on the measured path. */
export function readFrame(bytes: Buffer, start: number): Frame | undefined {
  const head = bytes[start];
  const second = bytes[start + 1];
  if (head === undefined || second === undefined) return undefined;
  const size = payloadLength(bytes, start, bytes.length);
  if (size === undefined) return undefined;
  const begin = start + headerLength(second);
  if (begin + size > bytes.length) return undefined;
  return { opcode: head & 0xf, payload: bytes.subarray(begin, begin + size), end: begin + size };
}

/** The bytes before the payload, judged by the second byte of a frame. */
export function headerLength(second: number): number {
  const short = second & 0x7f;
  return 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + (second & MASK_BIT ? MASK_LENGTH : 0);
}

/** Undefined while the length itself has not arrived. Frames of 4 GiB and more do not occur here. */
export function payloadLength(bytes: Uint8Array, start: number, end: number): number | undefined {
  const short = (bytes[start + 1] ?? 0) & 0x7f;
  if (short < 126) return short;
  if (short === 126) return start + 4 > end ? undefined : bigEndian(bytes, start + 2, 2);
  return start + 10 > end ? undefined : bigEndian(bytes, start + 6, 4);
}

function bigEndian(bytes: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let i = start; i < start + length; i += 1) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

function header(opcode: number, length: number, maskBit: number): Buffer {
  if (length < 126) return Buffer.from([FIN | opcode, maskBit | length]);
  if (length < 65_536) return Buffer.from([FIN | opcode, maskBit | 126, length >> 8, length & 0xff]);
  const long = Buffer.alloc(10);
  long.writeUInt8(FIN | opcode, 0);
  long.writeUInt8(maskBit | 127, 1);
  long.writeBigUInt64BE(BigInt(length), 2);
  return long;
}
