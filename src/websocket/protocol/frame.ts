/** First byte of a whole message: FIN and the opcode (RFC 6455 §5.2). */
const TEXT = 0x81;
const BINARY = 0x82;

/**
 * Frames a whole message as a server sends it: one unmasked frame, header and payload in one buffer (RFC 6455 §5.2).
 * Text is encoded to UTF-8; a lone surrogate becomes U+FFFD, so a text frame is always valid. The frame has memory of its
 * own: if it has to wait, nothing else waits with it.
 */
export function frameText(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafeSlow(headerSize(length) + length);
  frame.write(text, writeFrameHeader(frame, 0, true, length), 'utf8');
  return frame;
}

/** Frames bytes as one binary message; the bytes are copied, so the caller may reuse them. */
export function frameBinary(bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafeSlow(headerSize(bytes.length) + bytes.length);
  frame.set(bytes, writeFrameHeader(frame, 0, false, bytes.length));
  return frame;
}

/** Writes the header of an unmasked frame with a whole message; returns where the payload begins. */
export function writeFrameHeader(target: Buffer, at: number, isText: boolean, payloadLength: number): number {
  target[at] = isText ? TEXT : BINARY;
  if (payloadLength < 126) {
    target[at + 1] = payloadLength;
    return at + 2;
  }
  if (payloadLength < 65_536) {
    target[at + 1] = 126;
    target.writeUInt16BE(payloadLength, at + 2);
    return at + 4;
  }
  target[at + 1] = 127;
  target.writeUInt16BE(0, at + 2);
  target.writeUIntBE(payloadLength, at + 4, 6);
  return at + 10;
}

/** Tells whether a frame of `frameText` or `frameBinary` is text. */
export function isTextFrame(frame: Uint8Array): boolean {
  return frame[0] === TEXT;
}

/** The payload of a frame of `frameText` or `frameBinary`: the same memory. */
export function payloadOf(frame: Buffer): Buffer {
  const length = frame[1] ?? 0;
  return frame.subarray(length < 126 ? 2 : length === 126 ? 4 : 10);
}

function headerSize(payloadLength: number): number {
  if (payloadLength < 126) return 2;
  return payloadLength < 65_536 ? 4 : 10;
}
