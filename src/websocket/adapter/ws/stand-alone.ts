/** The same bytes in an `ArrayBuffer` that has no others: not a part of what was read, and not of the pool of Buffers. */
export function standAlone(data: Buffer): Buffer {
  if (data.buffer.byteLength === data.length) return data;
  const alone = Buffer.allocUnsafeSlow(data.length);
  alone.set(data);
  return alone;
}
