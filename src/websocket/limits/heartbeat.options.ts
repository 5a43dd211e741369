/**
 * When silence is asked about, and when it is taken for death. Any byte counts as a sign of life. Both times are exact to
 * about a quarter of the shorter one.
 */
export class HeartbeatOptions {
  /** Silence after which a ping is sent, in milliseconds. Default 25 000, below the 60 s of common proxies. */
  intervalMs = 25_000;
  /** Further silence after which the connection is cut, in milliseconds. Default 10 000. */
  timeoutMs = 10_000;
}
