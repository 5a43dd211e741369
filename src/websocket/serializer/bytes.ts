import { isAnyArrayBuffer, isUint8Array } from 'node:util/types';

/** Tells whether a value is bytes: any view, such as a `Buffer`, a `Float32Array` or a `DataView`, and what lies below one. */
export function isBytes(value: unknown): value is ArrayBufferView | ArrayBuffer | SharedArrayBuffer {
  if (ArrayBuffer.isView(value)) return true;
  // The prototype is asked first: that costs less, and most values have another one.
  return (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) && isAnyArrayBuffer(value);
}

/**
 * The bytes of a value, as they are in memory; `undefined` for a value that is none.
 * @throws TypeError for the pool of Node's Buffers, which holds what others sent. Only the pool in use is known.
 */
export function asBytes(value: unknown): Uint8Array | undefined {
  if (!isBytes(value)) return undefined;
  if (isUint8Array(value)) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value === Buffer.allocUnsafe(1).buffer) {
    throw new TypeError("this ArrayBuffer is the pool of Node's Buffers; send the Buffer, not its .buffer");
  }
  return new Uint8Array(value);
}
