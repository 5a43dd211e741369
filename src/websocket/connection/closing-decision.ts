import type { FinishInitiator } from './finish-info.js';

/** What this side decided about the end, before the socket is closed. */
export interface ClosingDecision {
  readonly code: number;
  readonly reason: string;
  readonly initiator: FinishInitiator;
  readonly error?: unknown;
}
