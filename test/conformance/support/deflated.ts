import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { frame, type FrameSpec } from '../../support/raw-frame.js';
import type { HttpAnswer } from '../../support/raw-http.js';
import type { RawPeer } from '../../support/raw-peer.js';
import type { EchoScene } from './echo-scene.js';

const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);

/** Compresses as RFC 7692 §7.2.1 says: a raw deflate block, flushed, without its last four bytes. */
export function deflate(data: string | Buffer): Buffer {
  const flushed = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
  return flushed.subarray(0, flushed.length - TAIL.length);
}

/** Reads what `deflate` makes (RFC 7692 §7.2.2). */
export function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** Builds a compressed message in one frame. */
export function compressed(data: string | Buffer, spec: FrameSpec = {}): Buffer {
  return frame({ rsv: 4, payload: deflate(data), ...spec });
}

/** Asks for an upgrade with a list of extensions. */
export async function offer(
  scene: EchoScene,
  extensions: string | string[],
): Promise<{ peer: RawPeer; answer: HttpAnswer }> {
  const peer = await scene.app.peer();
  const headers = { 'Sec-WebSocket-Extensions': extensions };
  return { peer, answer: await peer.upgrade({ path: '/ws/echo', headers }) };
}

/** Makes a message of many zeros that is small on the wire; made piece by piece. */
export async function bombOf(size: number): Promise<Buffer> {
  const stream = createDeflateRaw();
  const zeros = Buffer.alloc(1024 * 1024);
  for (let written = 0; written < size; written += zeros.length) stream.write(zeros);
  stream.end();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
