import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { clearTimeout, setTimeout } from 'node:timers';
import { connect as connectTls } from 'node:tls';
import { patient } from './patience.js';
import { parseFrame, type Frame } from './raw-frame.js';
import { parseAnswer, upgradeRequest, type HttpAnswer, type UpgradeSpec } from './raw-http.js';

/** How the other side let go of the TCP connection. */
export type Ending = 'fin' | 'reset';

export interface RawPeerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Speaks TLS and believes any certificate. Default `false`. */
  readonly tls?: boolean;
  /** Keeps our direction open when the other side has ended its own. Default `true`: a test says itself when to end. */
  readonly allowHalfOpen?: boolean;
  /** Milliseconds that a read waits. Default `patient(2000)`. */
  readonly timeoutMs?: number;
}

interface Wait {
  readonly timeoutMs?: number;
}

type Parser<T> = (bytes: Buffer, ended: boolean) => { readonly value: T; readonly length: number } | undefined;

/**
 * Speaks bytes to a server, as the other end of the cable: nothing is sent, answered or corrected by itself. What
 * arrives waits in one buffer until a read asks for it.
 *
 * ```ts
 * await using peer = await RawPeer.open(port);
 * await peer.upgrade({ path: '/ws/echo', extraBytes: text('early') });
 * expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.text, text: 'early' });
 * ```
 */
export class RawPeer implements AsyncDisposable {
  readonly socket: Socket;
  readonly #timeoutMs: number;
  #bytes = Buffer.alloc(0);
  #ending: Ending | undefined;
  readonly #sleepers: (() => void)[] = [];

  static async open(port: number, options: RawPeerOptions = {}): Promise<RawPeer> {
    const { host = '127.0.0.1', tls = false, allowHalfOpen = true, timeoutMs = patient(2000) } = options;
    const tcp = connect({ port, host, allowHalfOpen, noDelay: true });
    const socket = tls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
    await once(socket, tls ? 'secureConnect' : 'connect');
    return new RawPeer(socket, tcp, timeoutMs);
  }

  /** Speaks through any stream, such as the other side of a tunnel. */
  static over(stream: Duplex): RawPeer {
    return new RawPeer(stream as Socket, stream as Socket, patient(2000));
  }

  private constructor(
    socket: Socket,
    private readonly tcp: Socket,
    timeoutMs: number,
  ) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#notify();
    });
    socket.on('end', () => this.#finish('fin'));
    socket.on('error', () => this.#finish('reset'));
    socket.on('close', (hadError) => this.#finish(hadError ? 'reset' : 'fin'));
  }

  /** What has arrived and was not read yet. */
  get unread(): Buffer {
    return this.#bytes;
  }

  /** How the other side has let go of the connection; `undefined` while it has not. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Writes bytes as they are, text as UTF-8; settles when the socket took them, even if it is gone meanwhile. */
  async writeRaw(bytes: string | Uint8Array): Promise<void> {
    if (!this.socket.writable) return;
    await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Writes every byte on its own, each in a packet and a turn of the event loop of its own. */
  writeByteByByte(bytes: string | Uint8Array): Promise<void> {
    return this.writeInParts(bytes, 1);
  }

  /** Writes parts of so many bytes, each in a packet and a turn of the event loop of its own. */
  async writeInParts(bytes: string | Uint8Array, length: number): Promise<void> {
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; at += length) {
      await this.writeRaw(all.subarray(at, at + length));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Sends an upgrade request, with `extraBytes` in the same write, and reads the answer whatever it is. */
  async upgrade(spec: UpgradeSpec & { readonly extraBytes?: Uint8Array } = {}): Promise<HttpAnswer> {
    await this.writeRaw(Buffer.concat([Buffer.from(upgradeRequest(spec)), spec.extraBytes ?? Buffer.alloc(0)]));
    return this.nextAnswer();
  }

  /**
   * Reads one HTTP answer with its body: by Content-Length, by chunks, or up to the end of the connection; `toHead` says
   * that it answers a HEAD, and so has none.
   */
  nextAnswer({ toHead = false, ...wait }: Wait & { readonly toHead?: boolean } = {}): Promise<HttpAnswer> {
    return this.#read('an HTTP answer', (bytes, ended) => parseAnswer(bytes, ended, toHead), wait);
  }

  /** Reads one frame of whatever kind. */
  nextFrame(wait: Wait = {}): Promise<Frame> {
    return this.#read('a frame', parseFrame, wait);
  }

  /** Waits until the other side has ended its direction (`fin`) or cut the connection (`reset`). */
  ended(wait: Wait = {}): Promise<Ending> {
    return this.#until(() => this.#ending, 'the end of the connection', wait);
  }

  /** Stops reading, so that the window fills and the other side cannot write; `ended` sees nothing meanwhile. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Ends our direction (FIN) and keeps reading. */
  end(): void {
    this.socket.end();
  }

  /** Cuts the connection with an RST. */
  reset(): void {
    this.tcp.resetAndDestroy();
    this.socket.destroy();
  }

  /** Lets go of the socket, whatever its state. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }

  async #read<T>(what: string, parse: Parser<T>, wait: Wait): Promise<T> {
    const attempt = (): ReturnType<Parser<T>> => {
      const found = parse(this.#bytes, this.#ending !== undefined);
      if (!found && this.#ending) throw new Error(`The connection ended before ${what}: ${this.#situation()}`);
      return found;
    };
    const { value, length } = await this.#until(attempt, what, wait);
    this.#bytes = this.#bytes.subarray(length);
    return value;
  }

  /** Tries again whenever something happened, until there is a result or the time is over. */
  async #until<T>(attempt: () => T | undefined, what: string, wait: Wait): Promise<T> {
    const timeoutMs = wait.timeoutMs ?? this.#timeoutMs;
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.#notify();
    }, timeoutMs);
    try {
      for (;;) {
        const result = attempt();
        if (result !== undefined) return result;
        if (expired) throw new Error(`No sign of ${what} within ${timeoutMs} ms: ${this.#situation()}`);
        await new Promise<void>((resolve) => this.#sleepers.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #finish(ending: Ending): void {
    // A reset may follow a FIN when we write on; it is the stronger word.
    if (this.#ending === undefined || ending === 'reset') this.#ending = ending;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#sleepers.splice(0)) wake();
  }

  #situation(): string {
    const unread = this.#bytes.subarray(0, 256);
    return `${this.#ending ?? 'open'}, ${this.#bytes.length} bytes unread: ${JSON.stringify(unread.toString('latin1'))}`;
  }
}
