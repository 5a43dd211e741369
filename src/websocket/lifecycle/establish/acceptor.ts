import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Transport } from '../../connection/transport.js';
import type { TransportListener } from '../../connection/transport-listener.js';
import type { EndpointSettings } from '../../endpoint/endpoint.js';

/** What the 101 says beyond the fixed part. */
export interface AcceptAnswer {
  /** Subprotocol in use, empty for none. */
  readonly protocol: string;
  /** Further header lines, checked. */
  readonly headerLines: readonly string[];
}

/** Completes an upgrade with 101. Declared here, where it is used; implemented over `ws` in `adapter/`. */
export abstract class Acceptor {
  /**
   * Writes the 101 and hands the open transport to `open`, in the same tick, so that a first frame that came with the
   * request finds its listener. `open` is not called when the client is already gone.
   */
  abstract accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    answer: AcceptAnswer,
    settings: EndpointSettings,
    open: (transport: Transport) => TransportListener,
  ): void;
}
