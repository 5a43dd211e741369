import { shareClass } from '../copies/shared-class.js';

/**
 * Who ended a connection. `client`: the peer, or its network. `server`: `close` or `terminate` of the application.
 * `heartbeat`: the peer was silent. `limit`: the outbox, the rate, a time limit, or the end of the login. `shutdown`: the drain.
 * `error`: a fault of a handler, or a peer that broke the protocol.
 */
export type FinishInitiator = 'client' | 'server' | 'heartbeat' | 'limit' | 'shutdown' | 'error';

/**
 * How a connection ended; what `@OnFinish` and finish handlers get, and the reason of `connection.signal`.
 *
 * @example
 * ```ts
 * @OnFinish()
 * leave(connection: Connection<unknown, Visit>, end: FinishInfo): void {
 *   if (end.initiator === 'shutdown') return; // all leave at once: there is nothing to announce
 *   const { name, room } = connection.data;
 *   this.registry.to(room).send({ event: 'left', data: { name } });
 * }
 * ```
 */
export class FinishInfo {
  constructor(
    /**
     * Close code (RFC 6455 §7.1.5) of the side that closed first; 1005 when the peer's close frame had none, 1006 when the
     * connection was cut or the peer left without a close frame.
     */
    readonly code: number,
    /** Close reason, empty when there was none; at most 123 bytes of UTF-8. */
    readonly reason: string,
    /**
     * Whether this side saw the closing handshake through (RFC 6455 §7.1.4); `false` as well when a fault of the peer, such
     * as a message that is too big, cut it short.
     */
    readonly clean: boolean,
    /** Who ended it. */
    readonly initiator: FinishInitiator,
    /** The fault that ended the connection, when one did. */
    readonly error?: unknown,
  ) {}
}

shareClass(FinishInfo, 'FinishInfo');
