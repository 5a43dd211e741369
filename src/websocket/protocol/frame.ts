/** Opcodes of data frames (RFC 6455 §5.2). */
const TEXT = 0x81; // FIN and opcode 1
const BINARY = 0x82; // FIN and opcode 2

/**
 * Frames a whole message as a server sends it: one unmasked frame, header and payload in one buffer (RFC 6455 §5.2).
 * Text is encoded to UTF-8; a lone surrogate becomes U+FFFD, so a text frame is always valid.
 */
export function frameText(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = allocateFrame(TEXT, length);
  frame.write(text, frame.length - length, 'utf8');
  return frame;
}

/** Frames bytes as one binary message; the bytes are copied, so the caller may reuse them. */
export function frameBinary(bytes: Uint8Array): Buffer {
  const frame = allocateFrame(BINARY, bytes.length);
  frame.set(bytes, frame.length - bytes.length);
  return frame;
}

function allocateFrame(firstByte: number, length: number): Buffer {
  if (length < 126) {
    const frame = Buffer.allocUnsafe(length + 2);
    frame[0] = firstByte;
    frame[1] = length;
    return frame;
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(length + 4);
    frame[0] = firstByte;
    frame[1] = 126;
    frame[2] = length >> 8;
    frame[3] = length & 0xff;
    return frame;
  }
  const frame = Buffer.allocUnsafe(length + 10);
  frame[0] = firstByte;
  frame[1] = 127;
  frame.writeUInt16BE(0, 2);
  frame.writeUIntBE(length, 4, 6);
  return frame;
}
