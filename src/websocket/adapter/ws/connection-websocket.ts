import { errorMonitor } from 'node:events';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { isPromiseLike } from '../../async/maybe-promise.js';
import type { Transport } from '../../connection/transport.js';
import type { TransportListener } from '../../connection/transport-listener.js';
import { CLOSE_CODE_ABNORMAL, CLOSE_CODE_NO_STATUS, CloseCode } from '../../protocol/close-code.js';
import { tellOfEmptyFragments } from './empty-fragments.js';
import { byteLengthOf, toArrayBuffer, toMessage } from './message-forms.js';
import { closeCodeOf } from './parser-fault.js';
import { currentTurn, goOnInNextTurn, isTurnLong, MESSAGES_PER_TURN, type Reader } from './read-turns.js';
import { unfinishedBytesOf } from './unfinished-message.js';
import { hasParser, internalsOf } from './ws-internals.js';

/** What holds frames back for the end of an event. */
interface Holding {
  /** Counts what waits in the socket. */
  count(): void;
  beginMessage(): void;
  endMessage(): void;
  /** A frame that it does not write itself comes next: what is held back leaves first. */
  makeWay(): void;
  /** Has the socket wait for the next turn. */
  holdReading(): void;
  /** Reads on, unless something else stops it. */
  goOnReading(): void;
}

/** Messages between two looks at the turn; a power of two. */
const LOOK_EVERY = 16;

const NOTHING = Buffer.alloc(0);

const OWNER = Symbol('the WebSocket of this socket');

/**
 * The `ws` socket of a connection: what it emits goes there first, and what the transport holds back leaves before any
 * frame of its own (`ws-internals.ts`). It knows whose it is by fields; listeners and closures would be kept for every connection.
 */
export class ConnectionWebSocket extends WebSocket implements Reader {
  transport?: Holding;
  listener?: TransportListener;
  /** The application has it: what its listeners throw ends this connection, and nothing else. */
  isTaken = false;
  /** Messages wait for the first listener. */
  isHolding = false;
  isUnfinished = false;
  /** It has had its part of this turn: what is left of the bytes that were read is parsed in the next one. */
  isYielding = false;
  /** Pings of this side that no pong has followed. */
  #pings = 0;
  /** Messages and control frames since the turn that it saw last. */
  #seen = 0;
  #turn = -1;
  #isAtEnd = false;

  noteEmptyFragment(): void {
    this.listener?.onEmptyFrame();
  }

  /** The parser keeps so much of a message that is not complete. */
  noteUnfinished(byteLength: number): void {
    // It yields between two messages: what is left are whole ones, which wait for a turn only.
    const unfinished = this.isYielding ? 0 : byteLength;
    this.isUnfinished = unfinished > 0;
    this.listener?.onUnfinished(unfinished);
  }

  /** Tells the connection first, then the other listeners. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const isHeard = this.listenerCount(event) > 0;
    if (event === 'message') {
      const isBinary = args[1] as boolean;
      // The connection counts what others read.
      const message = this.isTaken && !this.isHolding ? '' : toMessage(args[0], isBinary);
      this.transport?.beginMessage();
      if (message === undefined) this.close(CloseCode.unsupportedData, "binaryType 'blob' is not supported");
      else this.listener?.onMessage(message, isBinary);
      this.transport?.endMessage();
      this.#shareTurn();
    } else if (event === 'pong') {
      if (this.#pings > 0) this.#pings--;
      else this.listener?.onEmptyFrame();
      this.listener?.onPong(args[0] as Buffer);
      this.#shareTurn();
    } else if (event === 'ping') {
      this.listener?.onEmptyFrame();
      this.#shareTurn();
    } else if (event === 'close') {
      // Where `ws` has no parser, the system answers the close frame and only this event tells of it.
      if (!hasParser(this) && args[0] !== CLOSE_CODE_ABNORMAL) {
        this.listener?.onPeerClose(args[0] as number, String(args[1]));
      }
      this.listener?.onClose();
    } else if (event === 'error') {
      this.listener?.onPeerError(args[0] as Error, closeCodeOf((args[0] as NodeJS.ErrnoException).code));
      // Without a listener an error would be thrown, and it has been heard here.
      if (!isHeard) return super.emit(errorMonitor, ...args);
    }
    if (!isHeard || !this.isTaken) return isHeard && super.emit(event, ...args);
    if (event !== 'message' || !this.isHolding) this.#tell(event, args);
    return true;
  }

  /** Parses what the turn before has left, and reads on. */
  goOn(): void {
    this.isYielding = false;
    this.#parseRest();
    if (!this.isYielding) this.transport?.goOnReading();
  }

  /** The peer's end was read, so nothing more can come than what is left. */
  parseToEnd(): void {
    this.#isAtEnd = true;
    if (!this.isYielding) return;
    this.isYielding = false;
    this.#parseRest();
  }

  /** One more message or control frame was read. Past its part of the turn the parser stops, and others get theirs. */
  #shareTurn(): void {
    if ((++this.#seen & (LOOK_EVERY - 1)) !== 0 && !this.isYielding) return;
    const turn = currentTurn();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#seen = 0;
      return;
    }
    if (this.#isAtEnd || (this.#seen < MESSAGES_PER_TURN && !isTurnLong())) return;
    const parser = internalsOf(this)._receiver;
    // Where `ws` gives one event after the other in turns of their own, there is no loop to leave.
    if (parser?._loop !== true) return;
    parser._loop = false;
    if (this.isYielding) return;
    this.isYielding = true;
    this.transport?.holdReading();
    goOnInNextTurn(this);
  }

  #parseRest(): void {
    const parser = internalsOf(this)._receiver;
    if (parser == null || parser.destroyed || parser.writableEnded || parser._bufferedBytes === 0) return;
    parser.write(NOTHING);
    this.noteChunk();
  }

  /** Notes what the parser keeps, after a chunk. */
  noteChunk(): void {
    const { _receiver: parser } = internalsOf(this);
    const byteLength = parser == null ? 0 : unfinishedBytesOf(parser);
    if (byteLength > 0 || this.isUnfinished) this.noteUnfinished(byteLength);
  }

  /** See `Transport.handOver`. */
  handOver(deliver: Parameters<Transport['handOver']>[0]): void {
    this.isTaken = true;
    // It has heard everything since it came.
    if (this.listenerCount('message') > 0) return;
    this.isHolding = true;
    const onNewListener = (event: string): void => {
      if (event !== 'message') return;
      this.off('newListener', onNewListener);
      // It is told before the listener is there.
      queueMicrotask(() => {
        deliver((data, isBinary) =>
          this.#tell('message', [isBinary ? this.#shape(data) : Buffer.from(data), isBinary]),
        );
        this.isHolding = false;
      });
    };
    this.on('newListener', onNewListener);
  }

  /** Calls the listeners one by one: one that throws or rejects must not end the process. */
  #tell(event: string | symbol, args: readonly unknown[]): void {
    const fail = (error: unknown): void => this.listener?.onListenerError(error);
    for (const listener of this.rawListeners(event)) {
      try {
        const result: unknown = Reflect.apply(listener, this, args);
        if (isPromiseLike(result)) new Promise((resolve) => resolve(result)).catch(fail);
      } catch (error) {
        fail(error);
      }
    }
  }

  /** Binary data in the form that `ws` gives it. */
  #shape(data: string | Buffer): unknown {
    const bytes = Buffer.from(data);
    if (this.binaryType === 'arraybuffer') return toArrayBuffer(bytes);
    return (this.binaryType as string) === 'blob'
      ? new Blob([bytes])
      : this.binaryType === 'fragments'
        ? [bytes]
        : bytes;
  }

  /**
   * Hears of the end of the peer's stream, for which `ws` emits no event; and of each chunk, after `ws` has parsed it, and of
   * empty fragments, where the parser does not tell by itself.
   */
  hear(socket: Duplex, isParserFrugal: boolean): void {
    (socket as OwnedSocket)[OWNER] = this;
    // Before `ws` ends its parser.
    socket.prependListener('end', hearEndFirst);
    socket.on('end', hearEnd);
    if (isParserFrugal || !hasParser(this)) return;
    socket.on('data', hearChunk);
    tellOfEmptyFragments(this, () => this.noteEmptyFragment());
  }

  /** The connection closes. */
  startClosing(code: number, reason: string): void {
    this.transport?.makeWay();
    super.close(code, reason);
  }

  /** The connection is cut. */
  cut(): void {
    this.transport?.makeWay();
    super.terminate();
  }

  /** `ws` answers the peer, or the application closes what it got as `raw`. */
  override close(code?: number, data?: string | Buffer): void {
    const { _closeFrameReceived: isAnswer, _receiver: parser } = internalsOf(this);
    this.listener?.writeOwedClose();
    this.transport?.makeWay();
    if (isAnswer === true) this.listener?.onPeerClose(code ?? CLOSE_CODE_NO_STATUS, String(data ?? ''));
    super.close(code, data);
    // What the parser found wrong is told with its error, right after this.
    if (isAnswer === true || (parser?.errored ?? null) !== null) return;
    this.listener?.onRawClose(code ?? CLOSE_CODE_NO_STATUS, String(data ?? ''));
  }

  /** `ws` gives up a peer that pings and does not read, or the application cuts what it got as `raw`. */
  override terminate(): void {
    const { _pendingAutoPongs: pongs = 0, _maxPendingAutoPongs: maxPongs = 0 } = internalsOf(this);
    this.listener?.writeOwedClose();
    this.cut();
    if (maxPongs > 0 && pongs >= maxPongs) this.listener?.onPeerFlood();
    else this.listener?.onRawClose(CLOSE_CODE_ABNORMAL, '');
  }

  override pong(...args: unknown[]): void {
    this.transport?.makeWay();
    super.pong(...(args as Parameters<WebSocket['pong']>));
  }

  override ping(...args: unknown[]): void {
    this.#pings++;
    this.transport?.makeWay();
    super.ping(...(args as Parameters<WebSocket['ping']>));
  }

  /** The application sends past the connection: the bound of its outbox holds all the same. */
  override send(...args: unknown[]): void {
    this.transport?.makeWay();
    // Once it closes, `ws` would go on adding up what it does not send.
    const isOpen = this.readyState === WebSocket.OPEN;
    if (!isOpen || this.listener?.takesRaw(byteLengthOf(args[0])) === false) {
      const callback = args.at(-1);
      const why = isOpen ? 'The peer does not read.' : 'The connection is closing.';
      if (typeof callback === 'function') process.nextTick(callback, new Error(why));
      return;
    }
    super.send(...(args as Parameters<WebSocket['send']>));
    if (this.bufferedAmount > 0) this.transport?.count();
  }

  /** Sends what the connection has accepted. */
  sendAccepted(data: string | Uint8Array, isText: boolean, taken: ((error?: Error | null) => void) | undefined): void {
    this.transport?.makeWay();
    super.send(data, { binary: !isText }, taken);
  }
}

type OwnedSocket = Duplex & { [OWNER]?: ConnectionWebSocket };

/** One function for all sockets. */
function hearEndFirst(this: OwnedSocket): void {
  this[OWNER]?.parseToEnd();
}

function hearEnd(this: OwnedSocket): void {
  this[OWNER]?.listener?.onPeerEnd();
}

function hearChunk(this: OwnedSocket): void {
  this[OWNER]?.noteChunk();
}
