import type { Flushable } from '../async/slices.js';
import { truncateCloseReason } from '../protocol/close-reason.js';
import type { ClosingDecision } from './closing-decision.js';
import { FinishInfo } from './finish-info.js';
import type { Transport } from './transport.js';

/**
 * How far our close frame is. `none`: it cannot be sent any more, or the end does not want one. `owed`: it leaves at the
 * end of the turn, after the reply of the handler that closed. `due`: it leaves in its slice, and no reply before it.
 */
export type CloseFrame = 'none' | 'owed' | 'due' | 'written';

/** The closing handshake of one connection (RFC 6455 §7.1), from the decision to the end of the socket. */
export class ClosingHandshake implements Flushable {
  #frame: CloseFrame;
  #isAnswered = false;
  #isSpoilt = false;
  readonly #decision: ClosingDecision;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly transport: Transport,
    decision: ClosingDecision,
    frame: CloseFrame,
    private readonly onTimeout: () => void,
  ) {
    this.#decision = { ...decision, reason: truncateCloseReason(decision.reason) };
    this.#frame = frame;
  }

  /** Our frame leaves at the end of this turn; replies of the turn go before it. */
  get isFrameOwed(): boolean {
    return this.#frame === 'owed';
  }

  /** Writes the frame that is owed, if one is. */
  writeOwed(): void {
    if (this.#frame !== 'owed' && this.#frame !== 'due') return;
    this.#frame = 'written';
    this.transport.close(this.#decision.code, this.#decision.reason);
  }

  flush(): void {
    this.writeOwed();
  }

  fail(): void {
    this.transport.terminate();
  }

  /** Nothing more is waited for. */
  cut(): void {
    this.writeOwed();
    this.transport.terminate();
  }

  /** The peer's close frame was read. */
  answer(): void {
    this.writeOwed();
    this.#isAnswered = true;
  }

  /** The peer broke the protocol: this end is not clean, also when a close frame follows. */
  spoil(): void {
    this.#isSpoilt = true;
  }

  /** Sets a time limit for all of it; the shortest counts. */
  limit(timeoutMs: number): void {
    this.#timers.push(setTimeout(this.onTimeout, timeoutMs).unref());
  }

  /** The socket is closed. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  toFinishInfo(): FinishInfo {
    const { code, reason, initiator, error } = this.#decision;
    const clean = this.#frame === 'written' && this.#isAnswered && !this.#isSpoilt;
    return new FinishInfo(code, reason, clean, initiator, error);
  }
}
