import { CLOSE_CODE_ABNORMAL, CloseCode } from '../protocol/close-code.js';
import { log } from '../log/log.js';
import type { ClosingDecision } from './closing-decision.js';
import type { Connection } from './connection.js';
import type { FinishInitiator } from './finish-info.js';

/** The network failed, or the peer left without a word. */
export const PEER_LEFT = cutBy('client');

/** The peer asks for pongs that it does not read. */
export const PEER_FLOODS = cutBy('limit');

export const TOO_MANY_MESSAGES: ClosingDecision = {
  code: CloseCode.policyViolation,
  reason: 'too many messages',
  initiator: 'limit',
};

export const TOO_MANY_FRAMES: ClosingDecision = {
  code: CloseCode.policyViolation,
  reason: 'too many empty frames',
  initiator: 'limit',
};

/** A limit that a raw endpoint cannot tell its peer of in any other way. */
export function limitExceeded(reason: string, error: Error): ClosingDecision {
  return { code: CloseCode.policyViolation, reason, initiator: 'limit', error };
}

/** All connections together hold too much, and its message that is not complete is the largest. */
export const TOO_MUCH_UNFINISHED: ClosingDecision = {
  code: CloseCode.tryAgainLater,
  reason: 'message is not complete',
  initiator: 'limit',
};

export const LOGIN_ENDED: ClosingDecision = {
  code: CloseCode.authenticationExpired,
  reason: 'authentication expired',
  initiator: 'limit',
};

export function replacedBy(code: number): ClosingDecision {
  return { code, reason: 'replaced by a newer connection', initiator: 'limit' };
}

/** An end without a close frame of ours. */
export function cutBy(initiator: FinishInitiator): ClosingDecision {
  return { code: CLOSE_CODE_ABNORMAL, reason: '', initiator };
}

/** A handler failed in a way that the connection does not survive. */
export function internalError(error: unknown): ClosingDecision {
  return { code: CloseCode.internalError, reason: 'internal error', initiator: 'error', error };
}

export function outboxIsFull(error: Error): ClosingDecision {
  return { code: CloseCode.tryAgainLater, reason: 'too slow: outbox is full', initiator: 'limit', error };
}

/** A listener of the application failed, on a socket that was handed over. */
export function listenerFailed(connection: Connection, error: unknown): ClosingDecision {
  const { name } = connection.endpoint;
  log.error(name, `A listener of the socket that ${name} handed over failed`, error, connection);
  return internalError(error);
}

/** What a limit, the heartbeat or a fault ended; how peers, the application and a shutdown end connections is their affair. */
export function logForcedEnd(connection: Connection, { initiator, code, reason }: ClosingDecision): void {
  if (initiator !== 'limit' && initiator !== 'heartbeat' && initiator !== 'error') return;
  const { name } = connection.endpoint;
  log.debug(
    name,
    () => `${name} ends a connection with ${code} by ${initiator}${reason === '' ? '' : `: ${reason}`}`,
    connection,
  );
}
