import type { SharedMessage, TakenCallback } from '../connection/transport.js';
import { frameBinary, frameText } from '../protocol/frame.js';
import { WsTransport } from './ws-transport.js';

/*
 * What this file takes of `ws` beyond its documented interface: without an extension, `ws` writes every frame of its
 * own (pong, close, ping) to the socket synchronously and whole. So frames that we write to the same socket between two
 * of its calls stand between two of its frames, never inside one. `test/unit/adapter/fast-path.spec.ts` fails when that
 * changes; `WsTransport` is the way without it.
 */

/** Transports that hold their socket corked until the current event of the event loop is over. */
const corked: FastTransport[] = [];

/** Lets everything written in this event leave: one write per connection, however many frames. */
function uncorkAll(): void {
  for (const transport of corked) transport.uncork();
  corked.length = 0;
}

/** Writes each message as one buffer, and all messages of one event of the event loop with one system call. */
export class FastTransport extends WsTransport {
  #corked = false;

  override get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  override send(data: string | Uint8Array, taken?: TakenCallback): void {
    this.#write(typeof data === 'string' ? frameText(data) : frameBinary(data), taken);
  }

  override sendShared(message: SharedMessage): void {
    this.#write(message.frame);
  }

  uncork(): void {
    this.#corked = false;
    this.socket.uncork();
  }

  #write(frame: Buffer, taken?: TakenCallback): void {
    if (!this.#corked) {
      this.#corked = true;
      this.socket.cork();
      if (corked.push(this) === 1) process.nextTick(uncorkAll);
    }
    this.socket.write(frame, taken);
  }
}
