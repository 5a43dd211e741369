/** Who ended a connection: the peer, the application, or a guard of the library. */
export type FinishInitiator = 'client' | 'server' | 'heartbeat' | 'limit' | 'shutdown' | 'error';

/** How a connection ended; what `@OnFinish` and finish handlers get. */
export class FinishInfo {
  constructor(
    /**
     * Close code (RFC 6455 §7.1.5). The code this side sent when it closed, else the peer's; 1005 when the peer's close
     * frame had none, 1006 when there was no close frame.
     */
    readonly code: number,
    /** Close reason, empty when there was none; at most 123 bytes of UTF-8. */
    readonly reason: string,
    /** Whether both sides exchanged close frames (RFC 6455 §7.1.4). */
    readonly clean: boolean,
    readonly initiator: FinishInitiator,
    /** The fault that ended the connection, when one did. */
    readonly error?: unknown,
  ) {}
}
