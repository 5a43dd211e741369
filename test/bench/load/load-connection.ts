import { connect, type Socket } from 'node:net';
import type { Dialect } from './dialect.js';
import { headerLength, maskedFrame, OPCODE, payloadLength, readFrame } from './frames.js';

/** Told once per read how many complete data frames it brought. */
export interface FrameListener {
  framesArrived(count: number): void;
}

const READ_BUFFER = Buffer.allocUnsafe(256 * 1024);
const TEXT_HEAD = 0x81;
const PONG = maskedFrame('', OPCODE.pong);
const LONGEST_HEADER = 14;

/**
 * One connection of the load: bytes on a TCP socket, no client library. On the measured path it only walks over frame
 * headers; every data frame must have exactly the length that was announced with `expect`.
 */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #dialect: Dialect;
  readonly #failed: (error: Error) => void;
  readonly #pong: Buffer;
  #opened: (() => void) | undefined;
  #listener: FrameListener | undefined;
  #expectedLength = -1;
  #tap: Buffer[] | undefined;
  #unread: Buffer = Buffer.alloc(0);
  /** Bytes of the current frame that are still to come. */
  #skip = 0;
  #skippingData = false;

  constructor(
    dialect: Dialect,
    target: { port: number; localAddress?: string },
    opened: () => void,
    failed: (error: Error) => void,
  ) {
    this.#dialect = dialect;
    this.#failed = failed;
    this.#opened = opened;
    this.#pong = maskedFrame(dialect.heartbeat?.pong ?? '');
    // One buffer for all sockets and no stream on the reading side: it is used up before the next read fills it.
    this.#socket = connect({
      host: '127.0.0.1',
      ...target,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.on('connect', () => this.#greet());
    this.#socket.on('error', failed);
    this.#socket.on('close', () => failed(new Error('the server closed a connection')));
  }

  /** Who hears of frames, and how long the payload of each has to be. */
  expect(length: number, listener: FrameListener): void {
    this.#expectedLength = length;
    this.#listener = listener;
  }

  /** Begins to keep what arrives, for a look at the content outside of the measured path. */
  tap(): Buffer[] {
    this.#tap = [];
    return this.#tap;
  }

  untap(): void {
    this.#tap = undefined;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Ends with a RST: ten thousand ports in TIME_WAIT would be missing in the next round. */
  reset(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.resetAndDestroy();
  }

  #greet(): void {
    const { path } = this.#dialect;
    if (path === undefined) return this.#open();
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  }

  #open(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.();
  }

  #read(length: number): void {
    const opening = this.#opened !== undefined;
    if (!opening && this.#tap === undefined && this.#unread.length === 0) return this.#walk(READ_BUFFER, length);
    const bytes = Buffer.from(READ_BUFFER.subarray(0, length));
    this.#tap?.push(bytes);
    const all = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    if (opening) return this.#readHandshake(all);
    this.#unread = Buffer.alloc(0);
    this.#walk(all, all.length);
  }

  #readHandshake(bytes: Buffer): void {
    this.#unread = bytes;
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!bytes.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) {
      return this.#failed(new Error(`handshake answered with "${bytes.toString('latin1', 0, bytes.indexOf('\r'))}"`));
    }
    const { greeting } = this.#dialect;
    let next = end + 4;
    for (let frames = 0; greeting !== undefined; frames += 1) {
      const frame = readFrame(bytes, next);
      if (frame === undefined) return;
      next = frame.end;
      if (frame.payload.toString().startsWith(greeting.answerBegins)) break;
      // The last frame in sight is the server's opening: exactly one greeting goes back for it.
      if (frames === 0 && next === bytes.length) this.#socket.write(maskedFrame(greeting.send));
    }
    this.#unread = Buffer.alloc(0);
    const rest = bytes.subarray(next);
    this.#open();
    this.#walk(rest, rest.length);
  }

  #walk(bytes: Buffer, length: number): void {
    let frames = 0;
    let at = 0;
    while (at < length) {
      if (this.#skip === 0) {
        const size = this.#enterFrame(bytes, at, length);
        if (size < 0) return;
        if (size === 0) {
          // The header itself is torn: it waits for the next read.
          this.#unread = Buffer.from(bytes.subarray(at, length));
          break;
        }
        this.#skip = size;
      }
      const step = Math.min(this.#skip, length - at);
      this.#skip -= step;
      at += step;
      if (this.#skip === 0 && this.#skippingData) frames += 1;
    }
    if (frames > 0) this.#report(frames);
  }

  #report(frames: number): void {
    try {
      this.#listener?.framesArrived(frames);
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Returns the length of the frame that begins here with its header; 0: not yet known; -1: wrong, and said so. */
  #enterFrame(bytes: Buffer, at: number, end: number): number {
    const head = bytes[at] ?? 0;
    const second = bytes[at + 1];
    const size = second === undefined ? undefined : payloadLength(bytes, at, end);
    if (second === undefined || size === undefined) return end - at < LONGEST_HEADER ? 0 : -1;
    this.#skippingData = head === TEXT_HEAD && size === this.#expectedLength;
    if (!this.#skippingData && !this.#understandOther(head, size)) return -1;
    return headerLength(second) + size;
  }

  #understandOther(head: number, size: number): boolean {
    const opcode = head & 0xf;
    if (opcode === OPCODE.ping) this.#socket.write(PONG);
    else if (head === TEXT_HEAD && size === this.#dialect.heartbeat?.ping.length) this.#socket.write(this.#pong);
    else if (opcode !== OPCODE.pong) {
      this.#failed(
        new Error(`got a frame 0x${head.toString(16)} of ${size} bytes instead of a text of ${this.#expectedLength}`),
      );
      return false;
    }
    return true;
  }
}
