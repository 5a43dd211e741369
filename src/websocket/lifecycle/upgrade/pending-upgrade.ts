import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { EarlyBytes } from './early-bytes.js';

/**
 * An upgrade that is being decided about. While that takes time the socket is read, or the end of the client would go
 * unnoticed; what it sends ahead is kept for the connection to come.
 *
 * Invariant: the socket has an `'error'` listener whenever the event loop goes on, until `ws` or the end takes it over.
 * Without one a reset during an asynchronous handshake ends the process. Node reports errors in a later tick, so an
 * upgrade that is accepted in the tick in which it came goes to `ws` as it is, and everything else calls `guard`.
 */
export class PendingUpgrade {
  #guarded = false;
  #early: EarlyBytes | undefined;
  #watching = false;
  #wasWatched = false;
  #gone = false;
  #onGone: (() => void) | undefined;
  #data: ((chunk: Buffer) => void) | undefined;
  #end: (() => void) | undefined;

  constructor(
    readonly request: IncomingMessage,
    readonly socket: Duplex,
    private readonly firstBytes: Buffer,
  ) {}

  /** Makes sure that the `'error'` event of a failing socket has a listener. */
  guard(): void {
    if (this.#guarded) return;
    this.#guarded = true;
    this.socket.on('error', noop);
  }

  /** The client left, or its socket failed. */
  get isGone(): boolean {
    return this.#gone || this.socket.destroyed || !this.socket.writable;
  }

  /** Everything the client sent after the request so far. */
  get head(): Buffer {
    return this.#early === undefined ? this.firstBytes : this.#early.bytes;
  }

  /** Watches the client until `release`; `onGone` is called once if it leaves before. */
  watch(onGone: () => void): void {
    this.guard();
    this.#watching = this.#wasWatched = true;
    this.#onGone = onGone;
    // Bound here: most handshakes are synchronous and are never watched.
    this.#data = (chunk) => this.#keep(chunk);
    this.#end = () => this.#leave();
    this.socket.on('data', this.#data).on('end', this.#end).on('close', this.#end);
  }

  /** Stops watching: the socket is about to be answered. The guard stays until `handOver`. */
  release(): void {
    if (!this.#watching) return;
    this.#watching = false;
    this.#onGone = undefined;
    if (this.#data !== undefined) this.socket.off('data', this.#data);
    if (this.#end !== undefined) this.socket.off('end', this.#end).off('close', this.#end);
    this.socket.pause();
  }

  /** `ws` has taken the socket over: it listens for errors now, and reading goes on. */
  handOver(): void {
    if (this.#guarded) this.socket.off('error', noop);
    if (this.#wasWatched) this.socket.resume();
  }

  #keep(chunk: Buffer): void {
    if ((this.#early ??= new EarlyBytes(this.firstBytes)).keep(chunk)) this.socket.pause();
  }

  #leave(): void {
    this.#gone = true;
    const onGone = this.#onGone;
    this.release();
    this.socket.destroy();
    onGone?.();
  }
}

/** Named, so that it can be taken off again. */
function noop(): void {}
