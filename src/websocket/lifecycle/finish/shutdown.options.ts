/** How connections end when the application stops. */
export class ShutdownOptions {
  /** Close code every client gets. Default 1001 (going away, RFC 6455 §7.4.1). */
  code = 1001;
  /** Close reason, at most 123 bytes of UTF-8. Default `'server shutting down'`. */
  reason = 'server shutting down';
  /**
   * Time for what was received to be handled, for closing handshakes and `@OnFinish` together, in milliseconds. After three
   * quarters of it busy connections are closed all the same, after seven eighths they are cut, and what is not finished at
   * its end is given up with a line in the log. Default 10 000; 0 cuts at once.
   */
  graceMs = 10_000;
  /**
   * Time a client has to answer the close frame of a shutdown, in milliseconds; then its socket is destroyed. An eighth of
   * `graceMs` where that is less. Default 500.
   */
  closeTimeoutMs = 500;
  /** Connections that are closed at once, so that not all clients come back in the same moment. Default 1 000. */
  batch = 1_000;
  /** Pause between two batches, in milliseconds, with up to half of it added or taken away at random. Default 20. */
  intervalMs = 20;
}
