import { standAlone } from './stand-alone.js';

/** Bytes of anything that `ws` sends. */
export function byteLengthOf(data: unknown): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  if (Array.isArray(data)) return data.reduce((sum: number, part) => sum + byteLengthOf(part), 0);
  if (data instanceof Blob) return data.size;
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer ? data.byteLength : String(data).length;
}

/**
 * `ws` gives binary data in the form that the application may have set as `raw.binaryType` for listeners of its own.
 * `undefined` for a `Blob`: it can only be read later, when the order of messages is lost.
 */
export function toMessage(data: unknown, isBinary: boolean): string | Buffer | undefined {
  if (typeof data === 'string') return data;
  if (Buffer.isBuffer(data)) return isBinary ? standAlone(data) : data;
  if (Array.isArray(data)) return standAlone(Buffer.concat(data as Buffer[]));
  return data instanceof ArrayBuffer ? Buffer.from(data) : undefined;
}

export function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  const alone = new ArrayBuffer(bytes.length);
  new Uint8Array(alone).set(bytes);
  return alone;
}
